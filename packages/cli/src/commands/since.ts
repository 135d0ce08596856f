import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** A span back from now, or the beginning of a time in ISO 8601. */
export type Since = { readonly agoMs: number } | { readonly from: string };

/** An option parser for `30m`, `12h`, `1d`, `2w`, or a time such as `2026-11-23` or `2026-11-23T10:00`, in UTC. */
export function parseSince(text: string): Since {
  const [, count = '', unit = ''] = /^(\d{1,5})([mhdw])$/.exec(text) ?? [];
  if (unit !== '') return { agoMs: Number(count) * (UNITS[unit] ?? 0) };
  if (utcTime(text) !== undefined) return { from: text.replace(/Z$/, '') };
  throw new InvalidArgumentError('must be a span such as 30m, 12h or 1d, or a time such as 2026-11-23T10:00 (UTC).');
}

/**
 * A day or a time of ISO 8601 in UTC, such as `2026-11-23` or `2026-11-23T10:00`, in epoch milliseconds. undefined for any other text,
 * and for what no calendar and no clock has: Date.parse takes the 30th of February for the 2nd of March, and 24:00 for the day after.
 */
export function utcTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z?)?$/.test(text)) return undefined;
  const at = Date.parse(text.includes('T') && !text.endsWith('Z') ? `${text}Z` : text);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text.slice(0, 16)) ? at : undefined;
}

/** The time as the beginning of an ISO 8601 text. */
export function sinceIso(since: Since, now: number): string {
  return 'from' in since ? since.from : new Date(Math.max(0, now - since.agoMs)).toISOString();
}

/** The time as a whole one. */
export function sinceDate(since: Since, now: number): Date {
  const text = sinceIso(since, now);
  return new Date(text.includes('T') && !text.endsWith('Z') ? `${text}Z` : text);
}
