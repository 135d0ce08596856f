import { InvalidArgumentError } from 'commander';

/** How many rejected rows a merge may cost before `schema plan` calls the schema unfit. */
export interface RejectionLimit {
  /** The option as the user wrote it: `12` or `0.5%`. */
  readonly text: string;
  readonly allows: (rejected: number, rows: number) => boolean;
}

/**
 * Reads `12` (rows) or `0.5%` (of the rows that were validated).
 *
 * @throws InvalidArgumentError for any other text
 */
export function parseRejectionLimit(text: string): RejectionLimit {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?(%?)$/.exec(text);
  const [, whole = '', fraction, percent] = match ?? [];
  if (!match || (percent === '' && fraction !== undefined) || (percent === '%' && Number(text.slice(0, -1)) > 100)) {
    throw new InvalidArgumentError('It must be a number of rows (12) or a share of them (0.5%).');
  }
  const limit = Number(fraction === undefined ? whole : `${whole}.${fraction}`);
  return {
    text,
    allows: percent === '%' ? (rejected, rows) => rejected * 100 <= limit * rows : (rejected) => rejected <= limit,
  };
}

/**
 * The bound that the job of a rebuild keeps, which counts all messages that the schema rejects: what may be rejected anew, and what is
 * rejected today and stays so. undefined for the limit of no new rejection, which the plan holds against the rows of today alone.
 *
 * @param staying how many of the rows are rejected by the active schema as well as by the new one
 */
export function boundOfRebuild({ text }: RejectionLimit, staying: number, rows: number): string | undefined {
  if (text === '0') return undefined;
  if (!text.endsWith('%')) return String(Number(text) + staying);
  const share = Number.parseFloat(text) + (rows === 0 ? 0 : (100 * staying) / rows);
  // Rounded up, so that the very rows of the plan are within it.
  return `${Math.min(100, Math.ceil(share * 1e4) / 1e4)}%`;
}
