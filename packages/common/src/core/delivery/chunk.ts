export interface ChunkLimits<T> {
  readonly maxCount: number;
  readonly maxBytes: number;
  readonly sizeOf: (item: T) => number;
}

/**
 * Cuts items into chunks of at most `maxCount` items and `maxBytes` in sum, in order, each as full as the order allows.
 * An item that is over `maxBytes` alone gets a chunk of its own: whether to refuse it is the caller's decision.
 */
export function chunk<T>(items: readonly T[], { maxCount, maxBytes, sizeOf }: ChunkLimits<T>): T[][] {
  const chunks: T[][] = [];
  let current: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (current.length > 0 && (current.length >= maxCount || bytes + size > maxBytes)) {
      chunks.push(current);
      current = [];
      bytes = 0;
    }
    current.push(item);
    bytes += size;
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}
