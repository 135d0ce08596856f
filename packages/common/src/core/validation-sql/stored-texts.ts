/**
 * Where a Standardized table has the text of a column, in the SQL of Athena (Trino's): in the column, or in
 * rescued_data where the table had `max_columns` columns already when the row came. The twin is versions_of_standardized
 * in scripts/glue/lean_ops/standardized/rows_arrow.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { ENGINE_COLUMNS, MAX_COLUMN_NAME, RESERVED_COLUMNS } from '../schema/columns';
import { dmlIdentifier, stringLiteral } from '../warehouse/sql';

/** A Standardized table that statements read, as it is: with the names of all its columns. */
export interface QueriedTable {
  readonly database: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** Whether any of the rows that are read has rescued_data. Statements are much shorter where none has. */
  readonly rescued: boolean;
  /** The rows, where they are not those of the table. It has none of the columns then, and `rescued` is true. */
  readonly records?: RecordSource;
}

/** Rows whose texts stand in a map, such as the records that the table errors keeps. */
export interface RecordSource {
  /**
   * The members of a WITH clause that end in `rescued`: a row each, with the texts by column as the map `"$rescued"`, and
   * message_id and ingested_at.
   */
  readonly members: readonly string[];
  /** Quoted names of columns of `rescued` that `outcome` reads besides. */
  readonly columns: readonly string[];
  /**
   * The SQL of a text that each row is counted by, besides the rules that it breaks. It may read `disposition`:
   * `rejected`, `nulled`, `noted` or `clean`.
   */
  readonly outcome: string;
}

/** Writes the statement that counts the rows with rescued_data; undefined for a table that cannot have any. */
export function rescuedRowsStatement(
  { database, table, columns }: Omit<QueriedTable, 'rescued'>,
  since: string | undefined,
): string | undefined {
  if (!columns.includes(RESCUED)) return undefined;
  const recent = since === undefined ? '' : ` AND "ingested_at" >= ${stringLiteral(since)}`;
  const from = `${dmlIdentifier(database)}.${dmlIdentifier(table)}`;
  return `SELECT count(*) AS n FROM ${from} WHERE "${RESCUED}" IS NOT NULL${recent}`;
}

/** What a statement reads of the rows of a table. */
export interface WantedTexts {
  /** The payload's columns, which the table may lack. */
  readonly columns: readonly string[];
  /** Texts that come from the first of several columns which has one. */
  readonly first?: readonly TextSql[];
  /** Columns of the table that are read as they are. */
  readonly asStored: readonly string[];
  /** The lists of names in rescued_data that are needed. There are none without rescued_data. */
  readonly others?: readonly OthersSql[];
}

/** The text of a field: that of the first of the columns `of` which has one. */
export interface TextSql {
  /** The quoted name that it has in `texts`; the column's own where there is only one. */
  readonly name: string;
  readonly of: readonly string[];
}

/** A column with the names of the columns whose values are in a row's rescued_data. */
export interface OthersSql {
  /** The quoted name of the column. */
  readonly name: string;
  /** The names that it leaves out. */
  readonly but: readonly string[];
}

const RESCUED = 'rescued_data';
/** Follows the name of a column in rescued_data where a path has the same text: OVERFLOW_MARK in names.py. */
const OVERFLOW_MARK = String.raw`\(column)`;
const COLUMN_NAME = String.raw`'\A[a-z_][a-z0-9_]*\z'`;

/**
 * The members of a WITH clause that end in `texts`, a relation with the wanted columns.
 *
 * Each column of `others` has the names of the columns whose values are in a row's rescued_data, each between commas;
 * '' for a row without any.
 *
 * @param since only rows that were ingested from this time on; undefined for all rows
 */
export function textsSql(table: QueriedTable, since: string | undefined, wanted: WantedTexts): readonly string[] {
  const there = new Set(table.columns);
  const stored = (name: string) => (there.has(name) ? dmlIdentifier(name) : 'CAST(NULL AS varchar)');
  const textOf = (name: string) => {
    const overflow = `element_at("$rescued", ${stringLiteral(name)})`;
    if (!table.rescued) return stored(name);
    return there.has(name) ? `coalesce(${stored(name)}, ${overflow})` : overflow;
  };
  const texts = wanted.columns.map((name) => {
    const text = textOf(name);
    return text === dmlIdentifier(name) ? text : `${text} AS ${dmlIdentifier(name)}`;
  });
  const first = (wanted.first ?? []).map(({ name, of }) => `coalesce(${of.map(textOf).join(', ')}) AS ${name}`);
  const others = table.rescued ? (wanted.others ?? []).map(othersSql) : [];
  const own = [...wanted.asStored.map(dmlIdentifier), ...(table.records?.columns ?? [])];
  const select = `SELECT ${[...own, ...texts, ...first, ...others].join(', ')}`;
  if (table.records !== undefined) return [...table.records.members, `texts AS (${select} FROM rescued)`];
  if (!table.rescued) return [`texts AS (${select} FROM ${rowsSql(table, since)})`];
  const needed = [...wanted.asStored, ...wanted.columns.filter((name) => there.has(name))];
  return [...rescuedSql(table, since, needed), `texts AS (${select} FROM rescued)`];
}

/**
 * Writes the statement that finds the columns whose values are in rescued_data only, the most frequent first. Its result
 * has rows of name, number of rows with a value, and number of all such names.
 *
 * @param most how many names it gives
 */
export function overflowStatement(table: QueriedTable, since: string | undefined, most: number): string {
  const known = [...table.columns, ...RESERVED_COLUMNS, ...ENGINE_COLUMNS].map(stringLiteral);
  return [
    `WITH ${rescuedSql(table, since, []).join(',\n')},`,
    `overflow AS (SELECT k AS name, count(*) AS n FROM rescued CROSS JOIN UNNEST("$rescued") AS u(k, v) ` +
      `WHERE v IS NOT NULL AND ${isColumnName('k')} AND k NOT IN (${known.join(', ')}) GROUP BY k)`,
    `SELECT name, n, count(*) OVER () AS names FROM overflow ORDER BY n DESC, name LIMIT ${most}`,
  ].join('\n');
}

/** The members of a WITH clause that end in `rescued`, with rescued_data as a map `"$rescued"` by column or path. */
function rescuedSql(table: QueriedTable, since: string | undefined, columns: readonly string[]): readonly string[] {
  // A text that is no such object was not written by the jobs, and they read no columns of it either.
  const map = `CASE WHEN "${RESCUED}" IS NOT NULL THEN TRY(CAST(json_parse("${RESCUED}") AS map(varchar, varchar))) END`;
  const stored = [...columns.map(dmlIdentifier), `${map} AS "$stored"`];
  const mark = `'${OVERFLOW_MARK}'`;
  // Of a column's name and a path of the same text, the column counts.
  const marked = `map_filter("$stored", (k, v) -> substr(k, -${OVERFLOW_MARK.length}) = ${mark})`;
  const unmarked = `transform_keys(${marked}, (k, v) -> substr(k, 1, length(k) - ${OVERFLOW_MARK.length}))`;
  return [
    `stored AS (SELECT ${stored.join(', ')} FROM ${rowsSql(table, since)})`,
    `rescued AS (SELECT *, map_concat("$stored", ${unmarked}) AS "$rescued" FROM stored)`,
  ];
}

function rowsSql({ database, table }: QueriedTable, since: string | undefined): string {
  const where = since === undefined ? '' : ` WHERE "ingested_at" >= ${stringLiteral(since)}`;
  return `${dmlIdentifier(database)}.${dmlIdentifier(table)}${where}`;
}

function othersSql({ name, but }: OthersSql): string {
  const rest = but.length === 0 ? '' : ` AND k NOT IN (${but.map(stringLiteral).join(', ')})`;
  const names = `map_keys(map_filter("$rescued", (k, v) -> v IS NOT NULL AND ${isColumnName('k')}${rest}))`;
  return `CASE WHEN "$rescued" IS NULL THEN '' ELSE ',' || array_join(${names}, ',') || ',' END AS ${name}`;
}

function isColumnName(text: string): string {
  return `regexp_like(${text}, ${COLUMN_NAME}) AND length(${text}) <= ${MAX_COLUMN_NAME}`;
}
