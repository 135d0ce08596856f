/**
 * What a replay of recorded errors would do, found out by SELECT statements of Athena: which open rows it is about, and
 * what the schema in force makes of their records. The Glue job that replays them judges by the twin of this SQL.
 * docs/decisions/0050-replay-of-errors.md.
 */
import type { TopicName } from '../topic';
import { validationStatements, type ValidationStatement } from '../validation-sql/statements';
import type { UnjudgedRule } from '../validation-sql/rules';
import { dataVerdict, type BrokenRule, type ValidationResult } from '../validation-sql/results';
import type { RecordSource } from '../validation-sql/stored-texts';
import type { ValidationSchema } from '../validation-sql/validation-schema';
import { dmlIdentifier, stringLiteral, timestampLiteral } from '../warehouse/sql';
import { databaseOf, LAYERS, type Lake } from '../warehouse/tables';
import type { ErrorLayer } from './fingerprint';
import { foundSql } from './fingerprint-sql';

/** Which open rows. What is left out restricts nothing. */
export interface ErrorSelection {
  readonly topic?: TopicName | undefined;
  readonly fingerprints?: readonly string[] | undefined;
  readonly errorIds?: readonly string[] | undefined;
  /** Only rows that were found from this time on. */
  readonly since?: Date | undefined;
  /** Only rows that were found until this time. */
  readonly until: Date;
}

/** The open rows of one cause among those that are selected. */
export interface SelectedCause {
  readonly fingerprint: string;
  readonly layer: ErrorLayer;
  readonly topic: string;
  /** See signatureOf. */
  readonly signature: string;
  readonly rows: number;
  readonly messages: number;
  /** Rows whose record cannot be read, of `errors` alone. */
  readonly gone: number;
}

/** A record as a map of its texts by column; NULL where there is none, or where it is no such object. */
const TEXTS = 'TRY(CAST(json_parse(content) AS map(varchar, varchar)))';

/** The condition on a row of `found` that it is open and selected. */
function selectedSql({ fingerprints, errorIds, since, until }: ErrorSelection): string {
  const oneOf = (column: string, texts: readonly string[] | undefined): string[] =>
    texts === undefined ? [] : [`${column} IN (${texts.map(stringLiteral).join(', ')})`];
  return [
    'outcome IS NULL',
    ...oneOf('fingerprint', fingerprints),
    ...oneOf('error_id', errorIds),
    ...(since === undefined ? [] : [`detected_at >= ${timestampLiteral(since)}`]),
    `detected_at <= ${timestampLiteral(until)}`,
  ].join(' AND ');
}

/** Writes the statement that counts the selected open rows by cause, the most rows first. It reads each table once. */
export function selectionStatement(lake: Lake, selection: ErrorSelection): string {
  const gone = `CASE WHEN layer = 'curated' AND ${TEXTS} IS NULL THEN 1 ELSE 0 END`;
  return [
    `WITH ${foundSql(lake, selection.topic).join(',\n')}`,
    `SELECT fingerprint, layer, topic, signature, count(*) AS n, count(DISTINCT message_id) AS messages, sum(${gone}) AS gone ` +
      `FROM found WHERE ${selectedSql(selection)} GROUP BY fingerprint, layer, topic, signature ` +
      'ORDER BY n DESC, fingerprint',
  ].join('\n');
}

/** Reads the result of selectionStatement. */
export function readSelection(rows: readonly (readonly (string | null)[])[]): SelectedCause[] {
  return rows.map((row) => ({
    fingerprint: row[0] ?? '',
    layer: (row[1] ?? '') as ErrorLayer,
    topic: row[2] ?? '',
    signature: row[3] ?? '',
    rows: Number(row[4] ?? 0),
    messages: Number(row[5] ?? 0),
    gone: Number(row[6] ?? 0),
  }));
}

/** What the records are judged by, and against which table. */
export interface ReplayTarget {
  readonly schema: ValidationSchema;
  readonly tableName: string;
  /** Whether the topic has a Curated table, whose versions may be newer. */
  readonly hasCurated: boolean;
}

/**
 * Writes the statements that judge the records of the selected rows of `errors` by a schema, as the Curated job would: as
 * a rule one. readReplayVerdict reads their results.
 *
 * @throws ValidationTooLongError for a schema whose rules fit no statement
 */
export function replayStatements(
  lake: Lake,
  selection: ErrorSelection & { readonly topic: TopicName },
  { schema, tableName, hasCurated }: ReplayTarget,
): readonly [ValidationStatement, ...ValidationStatement[]] {
  const records: RecordSource = {
    members: recordsSql(lake, selection, hasCurated ? tableName : undefined),
    columns: ['"$fingerprint"', '"$effect"', '"$newer"', '"$key"', '"$produced"'],
    outcome: OUTCOME,
  };
  const table = {
    database: databaseOf(lake, LAYERS.standardized),
    table: tableName,
    columns: [],
    rescued: true,
    records,
  };
  return validationStatements(schema, table, { since: undefined, samples: 0 });
}

/**
 * What would become of a row: its disposition by the schema, the one that is on record, and whether a newer version of its
 * key is accepted, in the table or among the rows themselves. In the total order of data-contracts.md, as far as tables keep it.
 */
const OUTCOME =
  `disposition || ' ' || coalesce("$effect", '') || ' ' || CASE WHEN "$newer" OR rank() OVER (PARTITION BY "$key" ` +
  `ORDER BY CASE WHEN disposition = 'rejected' THEN 1 ELSE 0 END, "$produced" DESC NULLS LAST, id DESC, at) > 1 ` +
  `THEN 'superseded' ELSE 'latest' END || ' ' || "$fingerprint"`;

/** The members of a WITH clause that end in `rescued`: the records of the selected rows, as RecordSource has them. */
function recordsSql(
  lake: Lake,
  selection: ErrorSelection & { readonly topic: TopicName },
  curatedTable: string | undefined,
): string[] {
  const text = (name: string): string => `element_at("$rescued", ${stringLiteral(name)})`;
  const curated = `${dmlIdentifier(databaseOf(lake, LAYERS.curated))}.${dmlIdentifier(curatedTable ?? 'none')}`;
  const isNewer = newerSql('c', {
    produced: timeSql('"$produced"'),
    message: 'r."message_id"',
    ingested: timeSql('r."ingested_at"'),
  });
  return [
    ...foundSql(lake, selection.topic),
    `selected AS (SELECT message_id, idempotency_key, effect, fingerprint, ${TEXTS} AS "$rescued" FROM found ` +
      `WHERE layer = 'curated' AND ${selectedSql(selection)})`,
    'records AS (SELECT "$rescued", coalesce(message_id, \'\') AS "message_id", effect AS "$effect", fingerprint AS "$fingerprint", ' +
      `${text('produced_at')} AS "$produced", ${text('ingested_at')} AS "ingested_at", ` +
      `coalesce(${text('idempotency_key')}, idempotency_key, message_id, '') AS "$key" ` +
      'FROM selected WHERE "$rescued" IS NOT NULL)',
    curatedTable === undefined
      ? 'rescued AS (SELECT *, FALSE AS "$newer" FROM records)'
      : `rescued AS (SELECT r.*, coalesce(${isNewer}, FALSE) AS "$newer" FROM records r ` +
        `LEFT JOIN ${curated} c ON c."idempotency_key" = r."$key")`,
  ];
}

/** A time of Standardized, `2026-11-23T10:00:00.123456Z`, as a timestamp of microseconds. */
function timeSql(text: string): string {
  return `TRY_CAST(replace(replace(${text}, 'T', ' '), 'Z', '') AS timestamp(6))`;
}

/** Whether a row of a table is greater in the total order than another one. A time that is unknown is the smallest. */
function newerSql(
  row: string,
  { produced, message, ingested }: { readonly produced: string; readonly message: string; readonly ingested: string },
): string {
  const own = (name: string): string => `${row}."${name}"`;
  const least = (time: string): string => `coalesce(${time}, TIMESTAMP '0001-01-01 00:00:00')`;
  const [mine, other] = [least(own('produced_at')), least(produced)];
  return (
    `(${mine} > ${other} OR (${mine} = ${other} AND (${own('message_id')} > ${message} OR ` +
    `(${own('message_id')} = ${message} AND ${own('ingested_at')} < ${ingested}))))`
  );
}

/** What the schema makes of the records that can be read. All are rows of `errors`. */
export interface ReplayVerdict {
  readonly rows: number;
  /** Rows that break no rule any more, and whose version comes into the table, or is there with a value that is NULL. */
  readonly valid: number;
  /** Of these, rows of versions that are in the table, and get the value that was nulled. */
  readonly restored: number;
  /** Rows that break no rule any more, of whose key a newer version is in the table or comes into it by this. */
  readonly superseded: number;
  /** The fingerprints of the rows that are valid. */
  readonly mended: readonly string[];
  /** Rows that are still wrong: their version would be rejected, or it would lose a value. */
  readonly rejected: number;
  readonly nulled: number;
  /** Rows that come into the table with all their values, and still break a rule about an object. */
  readonly noted: number;
  /** The rules of the schema that the rows were not judged by. The job judges them by these, too. */
  readonly unjudged: readonly UnjudgedRule[];
  /** The rules that they break, those first that the most rows break. */
  readonly broken: readonly BrokenRule[];
  /** Whether `valid`, `restored` and `superseded` are exact. With a schema too long for one statement they are the most there can be. */
  readonly exact: boolean;
}

/** Reads the results of replayStatements, one for each statement in their order. */
export function readReplayVerdict(
  statements: readonly ValidationStatement[],
  results: readonly ValidationResult[],
): ReplayVerdict {
  const { rows, rejected, broken, unjudged, ...verdict } = dataVerdict(statements, results);
  const noted = verdict.noted.atLeast;
  // Each statement has all critical rules and some of the others, so a row may be clean by one and not by another.
  const least = (is: (outcome: Outcome) => boolean): number =>
    Math.min(...results.map((result) => sumOf(outcomesOf(result).filter(is))));
  const clean = least(({ disposition }) => disposition === 'clean');
  const isValid = ({ disposition, place }: Outcome): boolean => disposition === 'clean' && place === 'latest';
  return {
    rows,
    valid: least(isValid),
    restored: least((one) => isValid(one) && one.before === 'nulled'),
    superseded: least(({ disposition, place }) => disposition === 'clean' && place === 'superseded'),
    mended: mendedBy(results.map((result) => outcomesOf(result).filter(isValid))),
    rejected,
    nulled: rows - rejected - clean - noted,
    noted,
    unjudged,
    broken: [...broken].sort((a, b) => b.rows - a.rows),
    exact: statements.length === 1,
  };
}

/** A number of rows with the same outcome. */
interface Outcome {
  readonly disposition: string;
  /** The disposition that is on record. */
  readonly before: string;
  readonly place: string;
  readonly fingerprint: string;
  readonly rows: number;
}

function outcomesOf(result: ValidationResult): Outcome[] {
  return result.flatMap(([code, n]) => {
    const [disposition = '', before = '', place = '', fingerprint] = (code ?? '').split(' ');
    return fingerprint === undefined ? [] : [{ disposition, before, place, fingerprint, rows: Number(n) }];
  });
}

/** The fingerprints that have valid rows by each of the statements. */
function mendedBy([first = [], ...others]: readonly (readonly Outcome[])[]): string[] {
  const mended = new Set(first.map(({ fingerprint }) => fingerprint));
  const isIn = (one: string): boolean => others.every((some) => some.some(({ fingerprint }) => fingerprint === one));
  return [...mended].filter(isIn).sort();
}

function sumOf(outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, { rows }) => sum + rows, 0);
}
