import { JSON_TYPES } from './words';
import type { Types } from './types';

/** The value of `type` for a set of types: one word, or a list in the order of the alphabet. */
export function nameTypes(types: Types): string | readonly string[] {
  const named = JSON_TYPES.filter((type) => types.has(type));
  return named.length === 1 ? (named[0] ?? []) : named;
}
