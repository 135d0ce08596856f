import type { JsonObject } from '../json/value';
import type { KindCount } from './profile-statements';

/** Digits that are added in front of those seen, so that the first greater value does not break the type. */
const SPARE_DIGITS = 4;
/** Values that must agree on their decimals before a decimal is proposed. */
const ENOUGH = 20;
const MAX_DIGITS = 38;
const NUMERIC = /^(?:int|bigint|number|fixed:.*)$/;

/**
 * The field that takes every one of a column's values; undefined where it holds nothing but empty objects, or nothing.
 *
 * @param kinds of one column
 */
export function inferField(kinds: readonly KindCount[]): JsonObject | undefined {
  const seen = kinds.map(({ kind }) => kind as string);
  const only = (...allowed: readonly string[]) => seen.every((kind) => allowed.includes(kind));
  if (only('empty')) return undefined;
  if (only('boolean')) return { type: 'boolean' };
  // int to bigint is a change that may follow; ten digits and more are near its end.
  if (only('int')) return { type: 'integer', 'x-type': 'int' };
  if (only('int', 'bigint')) return { type: 'integer' };
  if (seen.every((kind) => NUMERIC.test(kind))) return { type: 'number', ...decimalFor(kinds) };
  if (only('date-time')) return { type: 'string', format: 'date-time' };
  if (only('date')) return { type: 'string', format: 'date' };
  if (only('array')) return { type: 'array' };
  return { type: 'string' };
}

/** A decimal, where all values have the same number of decimals: then they are written so, and not by chance. */
function decimalFor(kinds: readonly KindCount[]): JsonObject {
  const digits = kinds.map(({ kind }) => /^fixed:(\d+):(\d+)$/.exec(kind));
  const scales = new Set(digits.map((match) => match?.[2] ?? '?'));
  const [scale = '?'] = scales;
  const rows = kinds.reduce((sum, one) => sum + one.rows, 0);
  if (scales.size !== 1 || scale === '?' || rows < ENOUGH) return {};
  const before = Math.max(...digits.map((match) => Number(match?.[1] ?? 0)));
  const after = Number(scale);
  const precision = before + SPARE_DIGITS + after;
  return precision > MAX_DIGITS ? {} : { 'x-type': `decimal(${precision},${after})` };
}
