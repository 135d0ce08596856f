import { InvalidArgumentError } from 'commander';

const DAY_MS = 86_400_000;

/** How many days back a command reads Standardized; `all` reads every row. */
export type Days = number | 'all';

/**
 * Reads a number of days, or `all`.
 *
 * @throws InvalidArgumentError for any other text
 */
export function parseDays(text: string): Days {
  if (text === 'all') return text;
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of days from 1, or all.');
}

/** The oldest `ingested_at` to read, written as Standardized writes its times; undefined when every row is read. */
export function oldestIngestedAt(days: Days, nowMs: number): string | undefined {
  if (days === 'all') return undefined;
  return new Date(Math.max(nowMs - days * DAY_MS, 0)).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
