import { decimalOf } from './model';

/**
 * Whether a column of type `from` can become `to` in place, with every value kept. Iceberg promotes int to bigint,
 * float to double, and a decimal to one of more precision and the same scale:
 * https://iceberg.apache.org/spec/#schema-evolution
 */
export function isPromotion(from: string, to: string): boolean {
  if (from === 'int') return to === 'bigint';
  if (from === 'float') return to === 'double';
  const narrow = decimalOf(from);
  const wide = decimalOf(to);
  if (narrow === undefined || wide === undefined) return false;
  return narrow.scale === wide.scale && narrow.precision < wide.precision;
}

/** Decimal digits that the whole numbers of a type may have: enough for each, and so many that each number of them fits. */
const WHOLE_DIGITS: Readonly<Record<string, { readonly enough: number; readonly safe: number }>> = {
  int: { enough: 10, safe: 9 },
  bigint: { enough: 19, safe: 18 },
};

/**
 * Whether type `to` holds every value of a column of type `from`, exactly. More pairs of types do than a table can
 * change in place: a string holds every value as its text.
 */
export function holdsEveryValue(from: string, to: string): boolean {
  if (from === to || to === 'string' || isPromotion(from, to)) return true;
  if (from === 'date') return to === 'timestamp';
  const whole = WHOLE_DIGITS[from];
  const narrow = decimalOf(from);
  const wide = decimalOf(to);
  // A double has 53 bits for whole numbers, and a float has 24.
  if (whole !== undefined && wide !== undefined) return wide.precision - wide.scale >= whole.enough;
  if (whole !== undefined) return from === 'int' && to === 'double';
  if (narrow === undefined) return false;
  if (wide !== undefined) {
    return wide.scale >= narrow.scale && wide.precision - wide.scale >= narrow.precision - narrow.scale;
  }
  const room = WHOLE_DIGITS[to]?.safe ?? { double: 15, float: 7 }[to] ?? 0;
  return narrow.scale === 0 && narrow.precision <= room;
}
