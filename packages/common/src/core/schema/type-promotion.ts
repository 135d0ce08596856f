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
