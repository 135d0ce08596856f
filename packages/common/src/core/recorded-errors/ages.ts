/** How old what is open is: the numbers of the dashboard. */
import { stringLiteral, timestampLiteral } from '../warehouse/sql';
import type { Lake } from '../warehouse/tables';
import { foundSql, isMendedSql } from './fingerprint-sql';

/** Open rows of both tables by age, by the day on which they were found; and fingerprints that came again after they were mended. */
export interface OpenErrorAges {
  readonly day: number;
  /** From one day to seven. */
  readonly week: number;
  readonly older: number;
  readonly regressed: number;
}

const DAY_MS = 24 * 3_600_000;

/**
 * Writes the statement that counts what is open and not ignored. It reads each table once; readOpenErrorAges reads its result.
 *
 * @param ignored the fingerprints that are ignored
 */
export function openErrorAgesStatement(lake: Lake, ignored: readonly string[], now: Date): string {
  const ago = (days: number): string => timestampLiteral(new Date(now.getTime() - days * DAY_MS));
  const open = (condition: string): string => `sum(CASE WHEN outcome IS NULL AND ${condition} THEN 1 ELSE 0 END)`;
  const seen = ignored.length === 0 ? '' : ` WHERE fingerprint NOT IN (${ignored.map(stringLiteral).join(', ')})`;
  return [
    `WITH ${foundSql(lake, undefined).join(',\n')},`,
    'aged AS (SELECT fingerprint, ' +
      [
        `${open(`detected_at >= ${ago(1)}`)} AS day`,
        `${open(`detected_at >= ${ago(7)} AND detected_at < ${ago(1)}`)} AS week`,
        `${open(`detected_at < ${ago(7)}`)} AS older`,
        'min(CASE WHEN outcome IS NULL THEN detected_at END) AS first_open',
        `max(CASE WHEN ${isMendedSql()} THEN resolved_at END) AS last_mended`,
      ].join(', ') +
      ` FROM found${seen} GROUP BY fingerprint)`,
    'SELECT coalesce(sum(day), 0) AS day, coalesce(sum(week), 0) AS week, coalesce(sum(older), 0) AS older, ' +
      'coalesce(sum(CASE WHEN first_open > last_mended THEN 1 ELSE 0 END), 0) AS regressed FROM aged',
  ].join('\n');
}

export function readOpenErrorAges(rows: readonly (readonly (string | null)[])[]): OpenErrorAges {
  const [day, week, older, regressed] = (rows[0] ?? []).map(Number);
  return { day: day ?? 0, week: week ?? 0, older: older ?? 0, regressed: regressed ?? 0 };
}
