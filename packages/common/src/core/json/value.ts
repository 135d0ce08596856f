/** An object as JSON.parse gives it. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON pointer (RFC 6901) to a member, or a member's member, of the value at `pointer`. */
export function pointerTo(pointer: string, ...segments: readonly (string | number)[]): string {
  return segments.reduce<string>(
    (path, segment) => `${path}/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    pointer,
  );
}

/** The value at a JSON pointer; undefined where there is none. */
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
 * Levels of nesting of a parsed value, 0 for a scalar, counted up to `limit` + 1. There is no recursion, so that no
 * depth overflows the stack.
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
