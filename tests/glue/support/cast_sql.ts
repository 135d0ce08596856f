/**
 * The casts of `lean-ops schema plan` as SQL expressions of the column `t`, for tests in Python: JSON in and out.
 * In: [{jsonType, athenaType}]. Out: an expression for each.
 */
import { readFileSync } from 'node:fs';
import type { ValidationField } from '../../../packages/common/src/core/validation-sql/validation-schema';
import { castSql } from '../../../packages/common/src/core/validation-sql/casts';

const types = JSON.parse(readFileSync(0, 'utf8')) as Pick<ValidationField, 'jsonType' | 'athenaType'>[];
const casts = types.map((type) => {
  const field: ValidationField = {
    kind: 'field',
    pointer: '',
    column: 't',
    memberPrefix: 't__',
    opaque: false,
    cde: false,
    required: false,
    parents: [],
    formerColumns: [],
    constraints: [],
    ...type,
  };
  const prepared = castSql(field, 't', '')?.prepared ?? 't';
  return castSql(field, 't', `(${prepared})`)?.value ?? 't';
});
process.stdout.write(JSON.stringify(casts));
