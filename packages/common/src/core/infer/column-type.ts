import type { JsonObject } from '../json/value';
import type { KindCount } from './profile-statements';

/** Digits that a decimal gets in front of those seen, so that the first greater value does not break the type. */
const SPARE_DIGITS = 4;
/** The least number of values with the same count of decimals for which a decimal is proposed. */
const ENOUGH = 20;
const MAX_DIGITS = 38;
const NUMERIC = /^(?:int|bigint|number|fixed:.*)$/;

/**
 * The schema of a field that accepts every value of a column; undefined for a column without values, or with empty
 * objects only.
 *
 * @param kinds the kinds of that column's values
 */
export function inferField(kinds: readonly KindCount[]): JsonObject | undefined {
  const seen = kinds.map(({ kind }) => kind as string);
  const only = (...allowed: readonly string[]) => seen.every((kind) => allowed.includes(kind));
  if (only('empty')) return undefined;
  if (only('boolean')) return { type: 'boolean' };
  // A later change from int to bigint is compatible, so the narrow type is the better start.
  if (only('int')) return { type: 'integer', 'x-type': 'int' };
  if (only('int', 'bigint')) return { type: 'integer' };
  if (seen.every((kind) => NUMERIC.test(kind))) return { type: 'number', ...decimalFor(kinds) };
  if (only('date-time')) return { type: 'string', format: 'date-time' };
  if (only('date')) return { type: 'string', format: 'date' };
  if (only('array')) return { type: 'array' };
  return { type: 'string' };
}

/** The words for a decimal, where all of many values have the same number of decimals, which is then no chance. */
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
