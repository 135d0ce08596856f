/**
 * Applies `work` to every item, at most `limit` at a time, and gives the results in the items' order. It rejects with
 * the first rejection, as Promise.all does, so `work` that must not stop the others must not throw.
 */
export async function mapLimit<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    // All workers share one iterator, so each takes the next item that no other has.
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
