import { InvalidArgumentError } from 'commander';

/** How many rejected rows are borne. */
export interface Threshold {
  /** As it was asked for. */
  readonly text: string;
  readonly allows: (rejected: number, rows: number) => boolean;
}

/** `12` rows, or `0.5%` of the rows that were judged. @throws InvalidArgumentError */
export function threshold(text: string): Threshold {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?(%?)$/.exec(text);
  const [, whole = '', fraction, percent] = match ?? [];
  if (!match || (percent === '' && fraction !== undefined) || (percent === '%' && Number(text.slice(0, -1)) > 100)) {
    throw new InvalidArgumentError('It is a number of rows (12), or a part of them (0.5%).');
  }
  const limit = Number(fraction === undefined ? whole : `${whole}.${fraction}`);
  return {
    text,
    allows: percent === '%' ? (rejected, rows) => rejected * 100 <= limit * rows : (rejected) => rejected <= limit,
  };
}

export type Days = number | 'all';

/** `7` days, or `all`. @throws InvalidArgumentError */
export function days(text: string): Days {
  if (text === 'all') return text;
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It is a number of days from 1, or all.');
}

/** The oldest `ingested_at` that is looked at, in the form of Standardized's texts. */
export function sinceText(days: Days, nowMs: number): string | undefined {
  if (days === 'all') return undefined;
  return new Date(Math.max(nowMs - days * 86_400_000, 0)).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
