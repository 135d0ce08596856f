/** Bounds of the waits between attempts. */
export interface Backoff {
  /** The longest wait after the first failure, in milliseconds. */
  readonly baseMs: number;
  /** The longest wait after any failure, in milliseconds. */
  readonly capMs: number;
}

/**
 * The next wait of an exponential back-off with full jitter: uniform between 0 and min(cap, base · 2^failures), in
 * milliseconds. Spreading over the whole span keeps many clients from coming back together.
 *
 * @param failures attempts that have failed before, from 0
 * @param random uniform in [0, 1)
 */
export function fullJitterMs({ baseMs, capMs }: Backoff, failures: number, random: () => number): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** failures));
}
