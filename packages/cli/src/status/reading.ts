import { messageOf } from '@lean-ops/common/core';

/** What one service answered, or why it could not be read. A part that cannot be read never hides the others. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/**
 * Waits for a part of the status, and no longer than a limit: one slow service must not hold up the screen.
 *
 * @param limitMs milliseconds
 */
export async function readWithin<T>(limitMs: number, part: Promise<T>): Promise<Reading<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Reading<T>>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, problem: `no answer within ${limitMs / 1_000} s` }), limitMs);
  });
  const read = part.then(
    (value): Reading<T> => ({ ok: true, value }),
    (error: unknown): Reading<T> => ({ ok: false, problem: messageOf(error) }),
  );
  try {
    return await Promise.race([read, late]);
  } finally {
    clearTimeout(timer);
  }
}
