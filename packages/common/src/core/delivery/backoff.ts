export interface Backoff {
  /** Longest wait after the first failure, in milliseconds. */
  readonly baseMs: number;
  /** Longest wait at all, in milliseconds. */
  readonly capMs: number;
}

/**
 * Exponential back-off with full jitter: uniform between 0 and min(cap, base · 2^failures). Spreading over the whole
 * span, and not around a mean, is what keeps many clients from coming back together.
 *
 * @param failures how many attempts have failed before, from 0
 * @param random uniform in [0, 1)
 */
export function fullJitterMs({ baseMs, capMs }: Backoff, failures: number, random: () => number): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** failures));
}
