/**
 * The statements by which `lean-ops schema plan` validates rows, for tests in Python: JSON in and out.
 * In: [{schema (text), database, table, columns, rescued, samples}]. Out: for each, [{sql, rules}].
 */
import { readFileSync } from 'node:fs';
import { validationStatements, readValidationSchema, type JsonObject } from '../../../packages/common/src/core';

interface Request {
  readonly schema: string;
  readonly database: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly rescued: boolean;
  readonly samples: number;
}

const requests = JSON.parse(readFileSync(0, 'utf8')) as Request[];
const answers = requests.map(({ schema, samples, ...table }) =>
  validationStatements(readValidationSchema(schema, JSON.parse(schema) as JsonObject), table, {
    since: undefined,
    samples,
  }),
);
process.stdout.write(JSON.stringify(answers));
