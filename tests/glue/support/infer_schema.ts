/**
 * What `lean-ops schema infer` asks and makes of the answers, for tests in Python: JSON in and out.
 * In: {database, table, columns, rescued, overflow, answers?}. Out without `overflow`: {sql} of the statement that finds columns in rescued_data; with
 * its answer as `overflow` [{sql, columns}]; with the answers to those {schema (text), notes}.
 */
import { readFileSync } from 'node:fs';
import {
  checkSchema,
  columnCounts,
  inferSchema,
  inferStatements,
  overflowColumns,
  overflowColumnsStatement,
} from '../../../packages/common/src/core';

type Answer = readonly (readonly (string | null)[])[];

interface Request {
  readonly database: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly rescued: boolean;
  readonly overflow: Answer | null;
  readonly answers?: readonly Answer[];
}

const { overflow, answers, ...table } = JSON.parse(readFileSync(0, 'utf8')) as Request;
const found = overflowColumns(overflow ?? []);
const statements = inferStatements(table, found.columns, undefined);
if (overflow === null) {
  process.stdout.write(JSON.stringify({ sql: overflowColumnsStatement(table, undefined) }));
} else if (answers === undefined) {
  process.stdout.write(JSON.stringify(statements));
} else {
  const counts = columnCounts(statements, answers);
  const { document, notes } = inferSchema('odd.texts', 1, table.columns, found, counts);
  const schema = JSON.stringify(document);
  const check = checkSchema(schema, { topic: 'odd.texts' });
  process.stdout.write(JSON.stringify({ schema, notes, problems: check.ok ? [] : check.problems }));
}
