/**
 * The casts of `lean-ops schema plan` as SQL expressions of the column `t`, for tests in Python: JSON in and out.
 * In: [{types, athenaType, times}]. Out: an expression for each.
 */
import { readFileSync } from 'node:fs';
import { castSql, type CastField } from '../../../packages/common/src/core/validation-sql/casts';
import { numberPartsSql } from '../../../packages/common/src/core/validation-sql/number-sql';

const parts = numberPartsSql('t');
const number = { digits: `(${parts.digits})`, point: `(${parts.point})` };
const fields = JSON.parse(readFileSync(0, 'utf8')) as CastField[];
const casts = fields.map((field) => {
  const prepared = castSql(field, 't', { prepared: '', number })?.prepared ?? 't';
  return castSql(field, 't', { prepared: `(${prepared})`, number })?.value ?? 't';
});
process.stdout.write(JSON.stringify(casts));
