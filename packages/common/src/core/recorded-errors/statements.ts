/** The SELECT statements of `lean-ops errors`, and what their results say. */
import { stringLiteral, timestampLiteral } from '../warehouse/sql';
import type { Lake } from '../warehouse/tables';
import { foundSql, isMendedSql } from './fingerprint-sql';
import { readViolations, type ErrorLayer, type Violation } from './fingerprint';

/**
 * - `open`: some of its rows are open.
 * - `regressed`: it is open, and all rows from before were closed: it had been mended, and came again.
 * - `replaying`: it is open, and a replay that runs is about it. No query says so, as only the operation knows.
 * - `ignored`: some of its rows are open, and somebody has set it aside.
 * - `resolved`: none of its rows is open.
 */
export type ErrorState = 'open' | 'regressed' | 'replaying' | 'ignored' | 'resolved';

/** The states that people ask for. What has regressed is open, as is what is being replayed. */
export const STATES = {
  open: ['open', 'regressed'],
  ignored: ['ignored'],
  resolved: ['resolved'],
  all: ['open', 'regressed', 'ignored', 'resolved'],
} as const satisfies Record<string, readonly ErrorState[]>;

/** All errors of one fingerprint. Times are in epoch milliseconds. */
export interface ErrorGroup {
  readonly fingerprint: string;
  readonly layer: ErrorLayer;
  readonly topic: string;
  /** The broken rules, or the code of parse_errors: see signatureOf. */
  readonly signature: string;
  readonly state: ErrorState;
  /** Open rows, and of them those whose message did not come into the layer's table. */
  readonly rows: number;
  readonly lost: number;
  /** Open rows whose message is in Curated with all its values. */
  readonly noted: number;
  /** Different records of the open rows; where none is open, of all. */
  readonly keys: number;
  readonly resolved: number;
  /** What became of the resolved rows; at most five different outcomes. */
  readonly outcomes: readonly string[];
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Rows that were found in the last 24 hours, and in the 24 hours before. */
  readonly lastDay: number;
  readonly dayBefore: number;
}

/** The groups with the most impact, and what there is in all. */
export interface TopErrors {
  readonly groups: readonly ErrorGroup[];
  /** Fingerprints, open rows and topics of all groups that were asked for. */
  readonly fingerprints: number;
  readonly rows: number;
  readonly topics: number;
  /** Fingerprints that were left out because they are ignored. */
  readonly hidden: number;
}

export interface TopErrorsOptions {
  readonly topic?: string | undefined;
  readonly fingerprint?: string | undefined;
  /** Only what was seen since then, with all that is known of it. */
  readonly since?: Date | undefined;
  readonly state: keyof typeof STATES;
  /** The fingerprints that are ignored. */
  readonly ignored?: readonly string[] | undefined;
  readonly limit: number;
  /** The end of the last 24 hours. */
  readonly now: Date;
}

const DAY_MS = 24 * 3_600_000;
const MOST_OUTCOMES = 5;

/**
 * Writes the statement that groups both tables by fingerprint, those with the most open rows first. It reads each table
 * once; readTopErrors reads its result.
 */
export function topErrorsStatement(
  lake: Lake,
  { topic, fingerprint, since, state, ignored = [], limit, now }: TopErrorsOptions,
): string {
  const ago = (days: number): string => timestampLiteral(new Date(now.getTime() - days * DAY_MS));
  const isOpen = 'outcome IS NULL';
  const sum = (condition: string): string => `sum(CASE WHEN ${condition} THEN 1 ELSE 0 END)`;
  const isIgnored =
    ignored.length === 0 ? '' : `WHEN fingerprint IN (${ignored.map(stringLiteral).join(', ')}) THEN 'ignored' `;
  const isWanted = `state IN (${STATES[state].map(stringLiteral).join(', ')})`;
  const seen = since === undefined ? '' : ` AND last_seen >= ${timestampLiteral(since)}`;
  return [
    `WITH ${foundSql(lake, topic).join(',\n')},`,
    'grouped AS (SELECT fingerprint, layer, topic, signature, ' +
      [
        `${sum(isOpen)} AS open_rows`,
        `${sum(`${isOpen} AND effect NOT IN ('nulled', 'noted')`)} AS lost_rows`,
        `${sum(`${isOpen} AND effect = 'noted'`)} AS noted_rows`,
        `${sum('outcome IS NOT NULL')} AS resolved_rows`,
        `count(DISTINCT CASE WHEN ${isOpen} THEN record_key END) AS open_keys`,
        'count(DISTINCT record_key) AS all_keys',
        `array_join(slice(array_sort(array_agg(DISTINCT outcome)), 1, ${MOST_OUTCOMES}), ',') AS outcomes`,
        'min(detected_at) AS first_seen',
        'max(detected_at) AS last_seen',
        `min(CASE WHEN ${isOpen} THEN detected_at END) AS first_open`,
        `max(CASE WHEN ${isMendedSql()} THEN resolved_at END) AS last_mended`,
        `${sum(`detected_at >= ${ago(1)}`)} AS last_day`,
        `${sum(`detected_at >= ${ago(2)} AND detected_at < ${ago(1)}`)} AS day_before`,
      ].join(', ') +
      ` FROM found${fingerprint === undefined ? '' : ` WHERE fingerprint = ${stringLiteral(fingerprint)}`}` +
      ' GROUP BY fingerprint, layer, topic, signature),',
    `states AS (SELECT *, CASE WHEN open_rows = 0 THEN 'resolved' ${isIgnored}` +
      "WHEN first_open > last_mended THEN 'regressed' ELSE 'open' END AS state FROM grouped),",
    // What is ignored is among the rows where it is not wanted, so that it is counted where nothing else is there.
    `asked AS (SELECT *, CASE WHEN ${isWanted} THEN 1 ELSE 0 END AS wanted FROM states ` +
      `WHERE (${isWanted} OR state = 'ignored')${seen}),`,
    'numbered AS (SELECT *, dense_rank() OVER (PARTITION BY wanted ORDER BY topic) AS topic_number FROM asked)',
    'SELECT fingerprint, layer, topic, signature, state, open_rows, lost_rows, ' +
      'CASE WHEN open_rows = 0 THEN all_keys ELSE open_keys END AS keys, resolved_rows, outcomes, first_seen, last_seen, ' +
      'last_day, day_before, sum(wanted) OVER () AS fingerprints, sum(wanted * open_rows) OVER () AS all_rows, ' +
      'max(wanted * topic_number) OVER () AS topics, sum(1 - wanted) OVER () AS hidden, wanted, noted_rows FROM numbered ' +
      `ORDER BY wanted DESC, open_rows DESC, resolved_rows DESC, fingerprint LIMIT ${limit}`,
  ].join('\n');
}

type Row = readonly (string | null)[];

/** Reads the result of topErrorsStatement. */
export function readTopErrors(rows: readonly Row[]): TopErrors {
  const [first] = rows;
  const total = (at: number): number => Number(first?.[at] ?? 0);
  const groups = rows.filter((row) => row[18] !== '0').map(readGroup);
  return { groups, fingerprints: total(14), rows: total(15), topics: total(16), hidden: total(17) };
}

function readGroup(row: Row): ErrorGroup {
  const text = (at: number): string => row[at] ?? '';
  const count = (at: number): number => Number(row[at] ?? 0);
  return {
    fingerprint: text(0),
    layer: text(1) as ErrorLayer,
    topic: text(2),
    signature: text(3),
    state: text(4) as ErrorState,
    rows: count(5),
    lost: count(6),
    noted: count(19),
    keys: count(7),
    resolved: count(8),
    outcomes: text(9) === '' ? [] : text(9).split(','),
    firstSeen: timeOf(row[10]) ?? NaN,
    lastSeen: timeOf(row[11]) ?? NaN,
    lastDay: count(12),
    dayBefore: count(13),
  };
}

/** One row of errors or parse_errors. Times are in epoch milliseconds. */
export interface ErrorSample {
  readonly errorId: string;
  readonly messageId: string;
  /** undefined for a row of parse_errors: nobody could read its key. */
  readonly key: string | undefined;
  readonly effect: 'rejected' | 'nulled' | 'noted' | 'unreadable';
  readonly schemaVersion: number | undefined;
  readonly cycleId: string;
  /** When RAW took the message; only parse_errors has it. */
  readonly receivedAt: number | undefined;
  readonly detectedAt: number;
  readonly resolvedAt: number | undefined;
  /** What became of it; undefined while it is open. */
  readonly outcome: string | undefined;
  /** What is wrong: a violation each, or the message of the parse error. Values are there only where they were asked for. */
  readonly violations: readonly Violation[];
  readonly message: string | undefined;
  /** The standardized row as JSON text, or the payload; undefined where it was not asked for. */
  readonly content: string | undefined;
}

export interface ErrorSamplesOptions {
  readonly topic?: string | undefined;
  readonly fingerprint: string;
  readonly limit: number;
  /** Whether values, records and payloads are read. They are in no result of a query that does not ask for them. */
  readonly payload: boolean;
}

/** Writes the statement that finds the newest rows of a fingerprint, the open ones first; readErrorSamples reads its result. */
export function errorSamplesStatement(lake: Lake, { topic, fingerprint, limit, payload }: ErrorSamplesOptions): string {
  const said = payload ? 'coalesce(violations, messages)' : 'messages';
  const content = payload ? 'content' : 'CAST(NULL AS varchar)';
  return [
    `WITH ${foundSql(lake, topic).join(',\n')}`,
    'SELECT layer, error_id, message_id, idempotency_key, effect, schema_version, cycle_id, received_at, detected_at, ' +
      `resolved_at, outcome, ${said} AS said, ${content} AS shown FROM found WHERE fingerprint = ${stringLiteral(fingerprint)} ` +
      `ORDER BY CASE WHEN outcome IS NULL THEN 0 ELSE 1 END, detected_at DESC, error_id LIMIT ${limit}`,
  ].join('\n');
}

/** Reads the result of errorSamplesStatement. */
export function readErrorSamples(rows: readonly Row[]): ErrorSample[] {
  return rows.map((row) => {
    const optional = (at: number): string | undefined => row[at] ?? undefined;
    const isCurated = row[0] === 'curated';
    return {
      errorId: optional(1) ?? '',
      messageId: optional(2) ?? '',
      key: optional(3),
      effect: (optional(4) ?? '') as ErrorSample['effect'],
      schemaVersion: row[5] === null || row[5] === undefined ? undefined : Number(row[5]),
      cycleId: optional(6) ?? '',
      receivedAt: timeOf(row[7]),
      detectedAt: timeOf(row[8]) ?? NaN,
      resolvedAt: timeOf(row[9]),
      outcome: optional(10),
      violations: isCurated ? readViolations(optional(11) ?? null) : [],
      message: isCurated ? undefined : optional(11),
      content: optional(12),
    };
  });
}

/** A timestamp as Athena prints it, which is UTC: `2026-11-23 10:00:00.123456`. */
function timeOf(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const at = Date.parse(`${text.slice(0, 23).replace(' ', 'T')}Z`);
  return Number.isNaN(at) ? undefined : at;
}
