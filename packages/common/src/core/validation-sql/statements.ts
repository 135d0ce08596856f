import { chunk } from '../delivery/chunk';
import { LeanOpsError } from '../errors';
import { columnRules, type ColumnRulesSql, type RuleSql, type SchemaRulesSql, type ValidationRule } from './rules';
import { textsSql, type QueriedTable } from './stored-texts';
import type { ValidationSchema } from './validation-schema';

/** The bytes that a statement may have: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html */
const MAX_STATEMENT_BYTES = 262_144;
/** Items in one ARRAY[…]: Trino compiles the list to one method, and the JVM bounds its size. */
const MAX_LIST = 20;
/** Characters of a wrong value that a sample shows. */
const MAX_SHOWN = 60;

export interface ValidationOptions {
  /** Only rows that were ingested from this time on count, `YYYY-MM-DDTHH:MM:SS.ffffffZ`; undefined for all rows. */
  readonly since: string | undefined;
  /** How many messages a result names for each rule. */
  readonly samples: number;
}

/** One SELECT statement, with the rules that the numbers in its result stand for. */
export interface ValidationStatement {
  readonly sql: string;
  readonly rules: readonly ValidationRule[];
}

/** Thrown for rules that are longer than a statement of Athena may be, however they are divided. */
export class ValidationTooLongError extends LeanOpsError {
  override readonly name = 'ValidationTooLongError';

  constructor(readonly columns: readonly string[]) {
    super(
      'SCHEMA_TOO_LONG_TO_JUDGE',
      `the rules of ${columns.join(', ')} are longer than a statement of Athena may be (${MAX_STATEMENT_BYTES} bytes): ` +
        'shorten their enum lists',
    );
  }
}

/**
 * Writes the SELECT statements that validate the rows of a Standardized table as the Curated job would: as a rule one.
 *
 * A statement's result has rows of code, number of rows and samples. The codes `rows`, `rejected` and `nulled` count
 * rows; a number is the index of a rule in `rules`. Where more than one statement is needed, each has all critical
 * rules, so `rows` and `rejected` are complete and the same in all of them; `nulled` counts by the rules of that
 * statement only.
 *
 * @throws ValidationTooLongError for a field whose rules fit no statement
 */
export function validationStatements(
  schema: ValidationSchema,
  table: QueriedTable,
  options: ValidationOptions,
): readonly [ValidationStatement, ...ValidationStatement[]] {
  const { columns, noMembers } = columnRules(schema, table);
  const statement = (some: readonly ColumnRulesSql[]) => statementOf({ columns: some, noMembers }, table, options);
  const whole = statement(columns);
  if (fits(whole)) return [whole];
  const isCritical = ({ rules }: ColumnRulesSql) => rules.some(({ critical }) => critical);
  const critical = columns.filter(isCritical);
  const others = columns.filter((column) => !isCritical(column) && column.rules.length > 0);
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

function statementOf(
  { columns, noMembers }: SchemaRulesSql,
  table: QueriedTable,
  options: ValidationOptions,
): ValidationStatement {
  const rules = columns.flatMap((column) => column.rules);
  const casts = columns.flatMap(({ cast }) => (cast === undefined ? [] : [cast]));
  const prepared = casts.flatMap(({ prepared: sql, names }) =>
    sql === undefined ? [] : [`${sql} AS ${names.prepared}`],
  );
  const values = casts.map(({ value, names }) => `${value} AS ${names.value}`);
  const numbered = rules.map((rule, index) => ({ rule, item: itemSql(rule, index) }));
  const lists = (critical: boolean, prefix: string) =>
    chunk(
      numbered.filter(({ rule }) => rule.critical === critical).map(({ item }) => item),
      { maxCount: MAX_LIST, maxBytes: Infinity, sizeOf: () => 0 },
    ).map((items, index) => ({
      name: `${prefix}${index}`,
      sql: `filter(ARRAY[${items.join(', ')}], x -> x IS NOT NULL) AS ${prefix}${index}`,
    }));
  const bad = lists(true, 'c');
  const poor = lists(false, 'o');
  const all = [...bad, ...poor];
  // Each list is used twice below. A list that is used once Trino moves to its use, which would join all into one
  // expression, too large to compile.
  const some = (of: typeof all) =>
    of.length === 0 ? 'FALSE' : `${of.map(({ name }) => `cardinality(${name})`).join(' + ')} > 0`;
  const disposition = `CASE WHEN ${some(bad)} THEN 'rejected|' WHEN ${some(poor)} THEN 'nulled|' END`;
  const own = `filter(ARRAY['rows|', ${disposition}], x -> x IS NOT NULL)`;
  const texts = textsSql(table, options.since, {
    columns: [...new Set(columns.flatMap(({ reads }) => reads))],
    asStored: ['message_id', 'ingested_at', ...new Set(columns.flatMap(({ members }) => members))],
    othersBut: noMembers,
  });
  const sql = [
    `WITH ${texts.join(',\n')},`,
    `prepared AS (SELECT ${['*', ...prepared].join(', ')} FROM texts),`,
    `typed AS (SELECT ${['*', ...values].join(', ')} FROM prepared),`,
    `validated AS (SELECT coalesce("message_id", '') AS id, coalesce("ingested_at", '') AS at, ` +
      `${all.length === 0 ? 'TRUE AS c0' : all.map((list) => list.sql).join(', ')} FROM typed),`,
    `found AS (SELECT id, at, flatten(ARRAY[${[own, ...all.map(({ name }) => name)].join(', ')}]) AS items FROM validated)`,
    `SELECT split_part(item, '|', 1) AS code, count(*) AS n, ${samplesSql(options.samples)} AS samples`,
    "FROM found CROSS JOIN UNNEST(items) AS u(item) GROUP BY split_part(item, '|', 1)",
  ].join('\n');
  return { sql, rules: rules.map(({ column, rule, critical, pointer }) => ({ column, rule, critical, pointer })) };
}

/** The SQL of a rule's item: its number and the wrong text, or NULL where the row keeps the rule. */
function itemSql({ condition, text }: RuleSql, index: number): string {
  const shown = text === undefined ? '' : ` || substr(${text}, 1, ${MAX_SHOWN})`;
  return `CASE WHEN ${condition} THEN '${index}|'${shown} END`;
}

/** The SQL of the latest messages that break a rule, as hexadecimal UTF-8: `id|value,id|value`. */
function samplesSql(samples: number): string {
  if (samples === 0) return 'CAST(NULL AS varchar)';
  const hex = (sql: string) => `to_hex(to_utf8(${sql}))`;
  const sample = `${hex('id')} || '|' || ${hex("substr(item, strpos(item, '|') + 1)")}`;
  const isRule = "item NOT IN ('rows|', 'rejected|', 'nulled|')";
  return `array_join(max_by(${sample}, CASE WHEN ${isRule} THEN at || '|' || id END, ${samples}), ',')`;
}
