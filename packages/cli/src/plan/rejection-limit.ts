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
