import { RESERVED_COLUMNS } from '../schema/columns';
import { chunk } from '../delivery/chunk';
import { castSql } from '../validation-sql/casts';
import type { ValidationField } from '../validation-sql/validation-schema';
import type { QueriedTable } from '../validation-sql/statements';
import { dmlIdentifier, stringLiteral } from '../warehouse/sql';

/** A list of values is compiled to one method, which the JVM bounds: some 1.5 KB of SQL for each column. */
const MAX_LIST = 5;
/** Of a statement's columns together: Athena takes 262,144, and plans short statements much faster. */
const MAX_BYTES = 100_000;
/** Characters by which values are told apart. */
const MAX_COMPARED = 60;

export interface InferStatement {
  readonly sql: string;
  /** What the numbers in its answer stand for. */
  readonly columns: readonly string[];
}

/** What a text looks like; the first that fits. `fixed:2:1`: digits before and after the point. */
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

/** How many values of a column look so. */
export interface KindCount {
  readonly column: string;
  readonly kind: ValueKind;
  readonly rows: number;
  /** Different ones, about. */
  readonly distinct: number;
}

export interface ColumnCounts {
  readonly rows: number;
  readonly kinds: readonly KindCount[];
}

/**
 * SELECT statements that tell what the texts of a Standardized table look like. Each answers with rows (column's number,
 * kind, rows, different values); `rows` in place of a number counts all rows.
 */
export function inferStatements(
  { database, table, columns }: QueriedTable,
  since: string | undefined,
): InferStatement[] {
  const payload = columns.filter((name) => !RESERVED_COLUMNS.has(name));
  const sizeOf = (column: string) => itemSql(column, 0).length;
  const parts = chunk(payload, { maxCount: Infinity, maxBytes: MAX_BYTES, sizeOf });
  const where = since === undefined ? '' : ` WHERE "ingested_at" >= ${stringLiteral(since)}`;
  const from = `${dmlIdentifier(database)}.${dmlIdentifier(table)}${where}`;
  return (parts.length === 0 ? [[]] : parts).map((part) => ({ columns: part, sql: statement(part, from) }));
}

function statement(columns: readonly string[], from: string): string {
  const lists = chunk(columns.map(itemSql), { maxCount: MAX_LIST, maxBytes: Infinity, sizeOf: () => 0 }).map(
    (items, index) => ({
      name: `l${index}`,
      sql: `filter(ARRAY[${items.join(', ')}], x -> x IS NOT NULL) AS l${index}`,
    }),
  );
  const names = lists.map(({ name }) => name);
  // Each list stands in two places: else Trino puts it where it is used, and all become one expression.
  const some = names.length === 0 ? '0' : names.map((name) => `cardinality(${name})`).join(' + ');
  const own = `ARRAY['rows|' || CASE WHEN ${some} >= 0 THEN '' END]`;
  return [
    `WITH looked AS (SELECT ${['1 AS one', ...lists.map(({ sql }) => sql)].join(', ')} FROM ${from}),`,
    `found AS (SELECT flatten(ARRAY[${[own, ...names].join(', ')}]) AS items FROM looked)`,
    "SELECT split_part(item, '|', 1) AS code, split_part(item, '|', 2) AS kind, count(*) AS n, approx_distinct(item) AS d",
    "FROM found CROSS JOIN UNNEST(items) AS u(item) GROUP BY split_part(item, '|', 1), split_part(item, '|', 2)",
  ].join('\n');
}

function itemSql(column: string, index: number): string {
  const text = dmlIdentifier(column);
  const is = (jsonType: string, athenaType: string) => `${castOf(jsonType, athenaType, text)} IS NOT NULL`;
  const fixed =
    "'fixed:' || CAST(length(split_part(replace(" +
    `${text}, '-', ''), '.', 1)) AS varchar) || ':' || CAST(length(split_part(${text}, '.', 2)) AS varchar)`;
  const kind =
    `CASE WHEN ${is('boolean', 'boolean')} THEN 'boolean' ` +
    `WHEN ${is('integer', 'bigint')} THEN CASE WHEN length(${text}) < 10 THEN 'int' ELSE 'bigint' END ` +
    `WHEN ${is('number', 'double')} THEN ` +
    String.raw`CASE WHEN regexp_like(${text}, '\A-?[0-9]{1,15}[.][0-9]{1,9}\z') THEN ${fixed} ELSE 'number' END ` +
    `WHEN ${is('string', 'timestamp')} THEN 'date-time' WHEN ${is('string', 'date')} THEN 'date' ` +
    `WHEN ${is('array', 'string')} THEN 'array' WHEN ${text} = '{}' THEN 'empty' ELSE 'text' END`;
  return `CASE WHEN ${text} IS NOT NULL THEN '${index}|' || ${kind} || '|' || substr(${text}, 1, ${MAX_COMPARED}) END`;
}

/** As `schema plan` judges, so that what is inferred passes there. */
function castOf(jsonType: string, athenaType: string, text: string): string {
  const field: ValidationField = {
    kind: 'field',
    pointer: '',
    column: '',
    jsonType,
    athenaType,
    cde: false,
    required: false,
    parents: [],
    constraints: [],
  };
  const cast = castSql(field, text, '');
  if (cast?.prepared !== undefined || cast === undefined) throw new TypeError(`${athenaType} takes no single step`);
  return cast.value;
}

/** Puts the answers together. @param answers one for each statement: code, kind, rows, distinct */
export function columnCounts(
  statements: readonly InferStatement[],
  answers: readonly (readonly (readonly (string | null)[])[])[],
): ColumnCounts {
  const rows = Number(answers[0]?.find(([code]) => code === 'rows')?.[2] ?? 0);
  const kinds = statements.flatMap(({ columns }, index) =>
    (answers[index] ?? [])
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
