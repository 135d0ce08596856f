/** Limits of one chunk. */
export interface ChunkLimits<T> {
  readonly maxCount: number;
  readonly maxBytes: number;
  readonly sizeOf: (item: T) => number;
}

/**
 * Cuts items into chunks of at most `maxCount` items and `maxBytes` in sum, in order, each as full as the order allows.
 * An item of more than `maxBytes` gets a chunk of its own, and its caller decides whether to refuse it.
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
