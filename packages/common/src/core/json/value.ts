/** What JSON.parse gives. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6901: the pointer to a member of what `pointer` points to. */
export function pointerTo(pointer: string, ...segments: readonly (string | number)[]): string {
  return segments.reduce<string>(
    (path, segment) => `${path}/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    pointer,
  );
}

/** What a pointer points to; undefined where there is nothing. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const segment of pointer.split('/').slice(1)) {
    const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/**
 * Levels of nesting of a parsed value (0 for a scalar), counted without recursion, so that no depth can overflow the stack.
 * Stops at `limit` + 1.
 */
export function depthUpTo(value: unknown, limit: number): number {
  let level: unknown[] = [value];
  let depth = 0;
  while (depth <= limit) {
    const inner = level.filter((item): item is object => typeof item === 'object' && item !== null);
    if (inner.length === 0) return depth;
    depth += 1;
    level = inner.flatMap((item): unknown[] => Object.values(item));
  }
  return depth;
}
