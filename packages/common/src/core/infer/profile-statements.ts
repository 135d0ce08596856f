import { ENGINE_COLUMNS, RESERVED_COLUMNS } from '../schema/columns';
import { chunk } from '../delivery/chunk';
import { castSql, plainIntegerSql } from '../validation-sql/casts';
import { RFC_3339 } from '../validation-sql/validation-schema';
import { overflowStatement, textsSql, type QueriedTable } from '../validation-sql/stored-texts';
import { dmlIdentifier, stringLiteral } from '../warehouse/sql';
import { MAX_ODD_VALUES, type OddColumn, type OddValue } from './odd-values';

/** Items in one ARRAY[…]: Trino compiles the list to one method, whose size the JVM bounds. An item has some 1.5 KB. */
const MAX_LIST = 5;
/** Bytes of SQL for the columns of one statement. Athena takes 262,144, and plans short statements much faster. */
const MAX_BYTES = 100_000;
/** Characters of a value that are compared when different values are counted. */
const MAX_COMPARED = 60;

/** One SELECT statement, with the columns that the numbers in its result stand for. */
export interface InferStatement {
  readonly sql: string;
  readonly columns: readonly string[];
}

/** The form of a text, the first of these that fits. `fixed:2:1` has two digits before the point and one after it. */
export type ValueKind =
  | 'boolean'
  | 'int'
  | 'bigint'
  | 'number'
  | `fixed:${number}:${number}`
  | 'date-time'
  | 'date'
  | 'array'
  | 'empty'
  | 'text';

/** The number of a column's values that have one form. */
export interface KindCount {
  readonly column: string;
  readonly kind: ValueKind;
  readonly rows: number;
  /** About how many different values there are. */
  readonly distinct: number;
}

/** The forms of all columns' values, and the number of rows. */
export interface ColumnCounts {
  readonly rows: number;
  readonly kinds: readonly KindCount[];
}

/**
 * The columns that hold a payload's values and can be read. One that engines keep to themselves cannot: a statement
 * that names it fails.
 */
export function profiledColumns(columns: readonly string[]): string[] {
  return columns.filter((name) => !RESERVED_COLUMNS.has(name) && !ENGINE_COLUMNS.has(name));
}

/** Columns that the table lacks: their values are in rescued_data, as the table had `max_columns` columns already. */
export interface OverflowColumns {
  /** The most frequent of them, those first. */
  readonly columns: readonly string[];
  /** How many others there are. */
  readonly leftOut: number;
}

/** How many columns that are in rescued_data only become fields of a draft: ids as names can make thousands. */
const MAX_OVERFLOW = 100;

/**
 * Writes the statement that finds the columns that are in rescued_data only; overflowColumns reads its result.
 *
 * @param since only rows that were ingested from this time on count; undefined for all rows
 */
export function overflowColumnsStatement(table: QueriedTable, since: string | undefined): string {
  return overflowStatement(table, since, MAX_OVERFLOW);
}

/** Reads the result of overflowColumnsStatement. */
export function overflowColumns(result: readonly (readonly (string | null)[])[]): OverflowColumns {
  const columns = result.flatMap(([name]) => (name === null || name === undefined ? [] : [name]));
  return { columns, leftOut: Number(result[0]?.[2] ?? 0) - columns.length };
}

/**
 * Writes the SELECT statements that profile the texts of a Standardized table. A statement's result has rows of the
 * column's index, kind, number of rows and number of different values; `rows` in place of an index counts all rows.
 *
 * @param overflow columns that the table lacks and that are profiled too
 * @param since only rows that were ingested from this time on count; undefined for all rows
 */
export function inferStatements(
  table: QueriedTable,
  overflow: readonly string[],
  since: string | undefined,
): InferStatement[] {
  const payload = profiledColumns([...table.columns, ...overflow]);
  const sizeOf = (column: string) => itemSql(column, 0).length;
  const parts = chunk(payload, { maxCount: Infinity, maxBytes: MAX_BYTES, sizeOf });
  return (parts.length === 0 ? [[]] : parts).map((columns) => ({
    columns,
    sql: statement(columns, textsSql(table, since, { columns, asStored: ['message_id'] })),
  }));
}

/**
 * Writes the statement that finds the most frequent values of those forms that made columns text; oddValues reads its
 * result.
 *
 * @param since only rows that were ingested from this time on count; undefined for all rows
 */
export function oddValuesStatement(table: QueriedTable, since: string | undefined, odd: readonly OddColumn[]): string {
  const columns = odd.map(({ column }) => column);
  const code = "split_part(item, '|', 1)";
  const wanted = odd.map(({ odd: kinds }, index) => {
    const list = kinds.map((kind) => stringLiteral(kind)).join(', ');
    return `(${code} = '${index}' AND split_part(item, '|', 2) IN (${list}))`;
  });
  return [
    ...itemsSql(columns, textsSql(table, since, { columns, asStored: ['message_id'] })),
    `, counted AS (SELECT item, count(*) AS n FROM found CROSS JOIN UNNEST(items) AS u(item) WHERE ${wanted.join(' OR ')} GROUP BY item)`,
    `, ranked AS (SELECT item, n, row_number() OVER (PARTITION BY ${code} ORDER BY n DESC, item) AS place FROM counted)`,
    `SELECT item, n FROM ranked WHERE place <= ${MAX_ODD_VALUES}`,
  ].join('\n');
}

/** Reads the result of oddValuesStatement. */
export function oddValues(odd: readonly OddColumn[], result: readonly (readonly (string | null)[])[]): OddValue[] {
  return result.flatMap(([item, n]) => {
    const [, code, value] = /^(\d+)\|[^|]*\|([^]*)$/.exec(item ?? '') ?? [];
    const column = code === undefined ? undefined : odd[Number(code)]?.column;
    return column === undefined || value === undefined ? [] : [{ column, value, rows: Number(n) }];
  });
}

function statement(columns: readonly string[], texts: readonly string[]): string {
  return [
    ...itemsSql(columns, texts),
    "SELECT split_part(item, '|', 1) AS code, split_part(item, '|', 2) AS kind, count(*) AS n, approx_distinct(item) AS d",
    "FROM found CROSS JOIN UNNEST(items) AS u(item) GROUP BY split_part(item, '|', 1), split_part(item, '|', 2)",
  ].join('\n');
}

/** A WITH clause that ends in `found`, whose `items` are the values of a row's columns: `index|kind|value`. */
function itemsSql(columns: readonly string[], texts: readonly string[]): string[] {
  const lists = chunk(columns.map(itemSql), { maxCount: MAX_LIST, maxBytes: Infinity, sizeOf: () => 0 }).map(
    (items, index) => ({
      name: `l${index}`,
      sql: `filter(ARRAY[${items.join(', ')}], x -> x IS NOT NULL) AS l${index}`,
    }),
  );
  const names = lists.map(({ name }) => name);
  // Each list is used twice. A list that is used once Trino moves to its use, which would join all into one expression,
  // too large to compile.
  const some = names.length === 0 ? '0' : names.map((name) => `cardinality(${name})`).join(' + ');
  const own = `ARRAY['rows|' || CASE WHEN ${some} >= 0 THEN '' END]`;
  return [
    `WITH ${texts.join(',\n')},`,
    `looked AS (SELECT ${['1 AS one', ...lists.map(({ sql }) => sql)].join(', ')} FROM texts),`,
    `found AS (SELECT flatten(ARRAY[${[own, ...names].join(', ')}]) AS items FROM looked)`,
  ];
}

function itemSql(column: string, index: number): string {
  const text = dmlIdentifier(column);
  const is = (jsonType: string, athenaType: string) => `${castOf(jsonType, athenaType, text)} IS NOT NULL`;
  const fixed =
    "'fixed:' || CAST(length(split_part(replace(" +
    `${text}, '-', ''), '.', 1)) AS varchar) || ':' || CAST(length(split_part(${text}, '.', 2)) AS varchar)`;
  const kind =
    `CASE WHEN ${is('boolean', 'boolean')} THEN 'boolean' ` +
    `WHEN ${plainIntegerSql(text, 'bigint')} IS NOT NULL THEN CASE WHEN length(${text}) < 10 THEN 'int' ELSE 'bigint' END ` +
    `WHEN ${is('number', 'double')} THEN ` +
    String.raw`CASE WHEN regexp_like(${text}, '\A-?[0-9]{1,15}[.][0-9]{1,9}\z') THEN ${fixed} ELSE 'number' END ` +
    `WHEN ${is('string', 'timestamp')} THEN 'date-time' WHEN ${is('string', 'date')} THEN 'date' ` +
    `WHEN ${is('array', 'string')} THEN 'array' WHEN ${text} = '{}' THEN 'empty' ELSE 'text' END`;
  return `CASE WHEN ${text} IS NOT NULL THEN '${index}|' || ${kind} || '|' || substr(${text}, 1, ${MAX_COMPARED}) END`;
}

/** The cast that `schema plan` validates by, so that an inferred schema passes there. */
function castOf(jsonType: string, athenaType: string, text: string): string {
  const names = { prepared: '', number: { digits: '', point: '' } };
  const cast = castSql({ types: [jsonType], athenaType, times: RFC_3339 }, text, names);
  if (cast?.prepared !== undefined || cast === undefined) throw new TypeError(`${athenaType} takes no single step`);
  return cast.value;
}

/**
 * Puts the results of all statements together.
 *
 * @param results one for each statement, in their order
 */
export function columnCounts(
  statements: readonly InferStatement[],
  results: readonly (readonly (readonly (string | null)[])[])[],
): ColumnCounts {
  const rows = Number(results[0]?.find(([code]) => code === 'rows')?.[2] ?? 0);
  const kinds = statements.flatMap(({ columns }, index) =>
    (results[index] ?? [])
      .filter(([code]) => /^\d+$/.test(code ?? ''))
      .sort(([a], [b]) => Number(a) - Number(b))
      .flatMap(([code, kind, n, distinct]): KindCount[] => {
        const column = columns[Number(code)];
        return column === undefined
          ? []
          : [{ column, kind: kind as ValueKind, rows: Number(n), distinct: Number(distinct) }];
      }),
  );
  return { rows, kinds };
}
