/**
 * The rows of errors and parse_errors with their fingerprints and outcomes, in the SQL of Athena (Trino's). The twin is
 * fingerprint.ts; tests/glue/validation/test_error_statements.py holds the two equal.
 */
import { dmlIdentifier, stringLiteral } from '../warehouse/sql';
import { databaseOf, LAYERS, type Lake } from '../warehouse/tables';
import { FINGERPRINT_DIGITS, FINGERPRINT_VERSION } from './fingerprint';

/** What became of a row that is not open, where the table names no operation. */
export const OUTCOMES = {
  /** The message is on record under a later version of the schema, which validated it again. */
  revalidated: 'REVALIDATED',
  /** The row is closed, and nothing says by what: parse_errors had no such column before. */
  resolved: 'RESOLVED',
} as const;

/**
 * What the outcome of a row begins with of which nothing was mended: its verdict was taken back together with the tables,
 * or a replay found it wrong in another way and has opened a row with that verdict in its place.
 */
const NO_MENDS = ['UNDONE:', 'REJUDGED:'] as const;

/** The condition on a row of `found` that what was wrong was mended. */
export function isMendedSql(): string {
  const mends = NO_MENDS.map((one) => `NOT starts_with(outcome, '${one}')`);
  return ['outcome IS NOT NULL AND resolved_at IS NOT NULL', ...mends].join(' AND ');
}

const PARSED = 'TRY(CAST(json_parse(violations) AS array(map(varchar, varchar))))';

/** The broken rules of a row of `errors`, as `signatureOf` writes them. */
const SIGNATURE =
  `coalesce(array_join(array_sort(array_distinct(transform(${PARSED}, ` +
  "x -> element_at(x, 'column') || ' ' || element_at(x, 'rule')))), ','), '')";

/** The violations without their values, as JSON text. */
const MESSAGES = `json_format(CAST(transform(${PARSED}, x -> map_filter(x, (k, v) -> k <> 'value')) AS json))`;

/**
 * The members of a WITH clause that end in `found`: the rows of both tables, with the columns `fingerprint`, `layer`,
 * `topic`, `signature`, `outcome` (NULL for an open row), and those of the tables. `record_key` tells records apart:
 * the key, or where a message has none the message.
 *
 * A row of `errors` is open while nobody has closed it, and no later version of the schema has put the same message on
 * record: then that row tells what is wrong with it.
 *
 * @param topic only the rows of this topic
 */
export function foundSql(lake: Lake, topic: string | undefined): readonly string[] {
  const table = (name: string): string => `${dmlIdentifier(databaseOf(lake, LAYERS.ops))}.${dmlIdentifier(name)}`;
  const where = topic === undefined ? '' : ` WHERE topic_name = ${stringLiteral(topic)}`;
  const newest =
    'max(CASE WHEN resolved_at IS NULL THEN schema_version END) ' +
    'OVER (PARTITION BY topic_name, message_id, idempotency_key)';
  const none = (name: string, type = 'varchar'): string => `CAST(NULL AS ${type}) AS ${name}`;
  return [
    `versioned AS (SELECT *, ${newest} AS newest_version FROM ${table('errors')}${where})`,
    `recorded AS (SELECT 'curated' AS layer, coalesce(topic_name, '') AS topic, ${SIGNATURE} AS signature, ` +
      `CASE WHEN resolved_at IS NOT NULL THEN coalesce(resolution, '${OUTCOMES.resolved}') ` +
      `WHEN schema_version < newest_version THEN '${OUTCOMES.revalidated}' END AS outcome, ` +
      'error_id, message_id, idempotency_key, coalesce(idempotency_key, message_id) AS record_key, disposition AS effect, ' +
      `${MESSAGES} AS messages, violations, record AS content, schema_version, cycle_id, ` +
      `${none('received_at', 'timestamp')}, detected_at, resolved_at FROM versioned UNION ALL ` +
      "SELECT 'standardized' AS layer, coalesce(topic_name, '') AS topic, coalesce(error_code, '') AS signature, " +
      `CASE WHEN resolved_at IS NOT NULL THEN coalesce(resolution, '${OUTCOMES.resolved}') END AS outcome, ` +
      `error_id, message_id, ${none('idempotency_key')}, message_id AS record_key, 'unreadable' AS effect, ` +
      `error_message AS messages, ${none('violations')}, payload AS content, ${none('schema_version', 'integer')}, ` +
      `cycle_id, received_at, detected_at, resolved_at FROM ${table('parse_errors')}${where})`,
    `found AS (SELECT *, ${fingerprintSql()} AS fingerprint FROM recorded)`,
  ];
}

function fingerprintSql(): string {
  const text = `'${FINGERPRINT_VERSION}|' || layer || '|' || topic || '|' || signature`;
  return `'E${FINGERPRINT_VERSION}-' || substr(lower(to_hex(sha256(to_utf8(${text})))), 1, ${FINGERPRINT_DIGITS})`;
}
