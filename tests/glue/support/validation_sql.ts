/**
 * The statements by which `lean-ops schema plan` validates rows, for tests in Python: JSON in and out.
 * In: [{schema (text), active (text of the schema in force, or null), database, table, columns, rescued, samples}]. Out:
 * for each, [{sql, rules, …}]; where a request has `answers` of Athena, one for each statement, the verdict.
 */
import { readFileSync } from 'node:fs';
import {
  dataVerdict,
  readValidationSchema,
  validationStatements,
  type JsonObject,
  type ValidationResult,
} from '../../../packages/common/src/core';

interface Request {
  readonly schema: string;
  readonly active: string | null;
  readonly database: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly rescued: boolean;
  readonly samples: number;
  readonly answers?: readonly ValidationResult[];
}

const read = (text: string) => readValidationSchema(text, JSON.parse(text) as JsonObject);
const requests = JSON.parse(readFileSync(0, 'utf8')) as Request[];
const answers = requests.map(({ schema, active, samples, answers: results, ...table }) => {
  const options = { since: undefined, samples };
  const statements = validationStatements(read(schema), table, options, active === null ? undefined : read(active));
  if (results === undefined) return statements;
  const verdict = dataVerdict(statements, results);
  return { ...verdict, filled: [...verdict.filled] };
});
process.stdout.write(JSON.stringify(answers));
