const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/;

/** Exponents are clamped to this many places: past it only the sign matters, and the bigint stays small. */
const MAX_EXPONENT = 1_000;

/**
 * Rounds a JSON number to `scale` digits after the point, exactly: `floor` gives the greatest such number that is not
 * above it, `ceiling` the least that is not below it.
 *
 * @returns the rounded number times 10^scale
 * @throws RangeError for a text that is no JSON number
 */
export function quantized(text: string, scale: number, rounding: 'floor' | 'ceiling'): bigint {
  const match = NUMBER.exec(text);
  if (match === null) throw new RangeError(`${JSON.stringify(text)} is no JSON number`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  const magnitude = sign === '-' ? -digits : digits;
  const shift = clamped(Number(exponent)) - fraction.length + scale;
  if (shift >= 0) return magnitude * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  const towardsZero = magnitude / divisor;
  if (towardsZero * divisor === magnitude) return towardsZero;
  if (rounding === 'floor') return magnitude < 0n ? towardsZero - 1n : towardsZero;
  return magnitude > 0n ? towardsZero + 1n : towardsZero;
}

function clamped(exponent: number): number {
  return Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, exponent));
}

/** Writes value / 10^scale in plain digits, such as `-0.05`. */
export function plainDecimal(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return value < 0n ? `-${text}` : text;
}
