import { chunk } from '../delivery/chunk';
import { compareRules, type ComparedColumn } from './compared-rules';
import { columnRules } from './rules';
import { sqlNames } from './sql-names';
import { MAX_LIST, statementOf, type ValidationOptions, type ValidationStatement } from './statement-sql';
import type { QueriedTable } from './stored-texts';
import { MAX_STATEMENT_BYTES, ValidationTooLongError } from './too-long';
import type { ValidationSchema } from './validation-schema';

export { ValidationTooLongError } from './too-long';
export type { ValidationOptions, ValidationStatement } from './statement-sql';

/**
 * Writes the SELECT statements that validate the rows of a Standardized table as the Curated job would, by a candidate
 * and by the schema in force: as a rule one. dataVerdict reads their results.
 *
 * A statement's result has rows of code, number of rows, samples, number of rows that are not rejected today, and
 * columns with a value. The codes `rows`, `rejected`, `nulled`, `nulled*` and `noted` count rows; a number is the index of a rule
 * in `rules`. A star stands for what is new: no rule of the active schema is broken in that column. `today` counts what
 * only the active schema rejects. Where more than one statement is needed, each has all critical rules of both schemas,
 * so `rows` and `rejected` are complete and the same in all of them; `nulled` counts by the rules of that statement
 * only.
 *
 * @param active the schema in force; undefined to validate by the candidate alone
 * @throws ValidationTooLongError for a field whose rules fit no statement
 */
export function validationStatements(
  schema: ValidationSchema,
  table: QueriedTable,
  options: ValidationOptions,
  active?: ValidationSchema,
): readonly [ValidationStatement, ...ValidationStatement[]] {
  const names = sqlNames();
  const candidate = columnRules(schema, table, names);
  const compared = compareRules(candidate, active && columnRules(active, table, names));
  const { columns } = compared;
  const statement = (some: readonly ComparedColumn[]) => statementOf({ ...compared, columns: some }, table, options);
  const whole = statement(columns);
  if (fits(whole)) return [whole];
  const critical = columns.filter((column) => column.critical);
  const others = columns.filter((column) => !column.critical && (column.isField || column.rules.length > 0));
  const first = statement(critical);
  const alone = others.map((column) => statement([...critical, column]));
  if (!fits(first) || alone.some((one) => !fits(one))) {
    const long = others.filter((_, index) => !fits(alone[index] ?? first));
    throw new ValidationTooLongError((fits(first) ? long : critical).map(({ column }) => column));
  }
  const base = bytes(first.sql);
  const chunks = chunk(
    others.map((column, index) => ({ column, size: bytes(alone[index]?.sql ?? '') - base + MAX_LIST * 2 })),
    { maxCount: Infinity, maxBytes: MAX_STATEMENT_BYTES - base, sizeOf: ({ size }) => size },
  ).map((part) => statement([...critical, ...part.map(({ column }) => column)]));
  const [head = first, ...rest] = chunks;
  return [head, ...rest];
}

function bytes(sql: string): number {
  return Buffer.byteLength(sql);
}

function fits({ sql }: ValidationStatement): boolean {
  return bytes(sql) <= MAX_STATEMENT_BYTES;
}
