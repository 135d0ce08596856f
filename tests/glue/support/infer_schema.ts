/**
 * What `lean-ops schema infer` asks and makes of the answers, for tests in Python: JSON in and out.
 * In: {database, table, columns, answers?}. Out: [{sql, columns}], or with the answers {schema (text), notes}.
 */
import { readFileSync } from 'node:fs';
import { checkSchema, columnCounts, inferSchema, inferStatements } from '../../../packages/common/src/core';

interface Request {
  readonly database: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly answers?: readonly (readonly (readonly (string | null)[])[])[];
}

const { answers, ...table } = JSON.parse(readFileSync(0, 'utf8')) as Request;
const statements = inferStatements(table, undefined);
if (answers === undefined) {
  process.stdout.write(JSON.stringify(statements));
} else {
  const { document, notes } = inferSchema('odd.texts', 1, table.columns, columnCounts(statements, answers));
  const schema = JSON.stringify(document);
  const check = checkSchema(schema, { topic: 'odd.texts' });
  process.stdout.write(JSON.stringify({ schema, notes, problems: check.ok ? [] : check.problems }));
}
