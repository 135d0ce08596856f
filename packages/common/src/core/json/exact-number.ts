/**
 * Numbers by all the digits that a JSON text has. JSON.parse rounds them to doubles; the Curated job and Athena's
 * decimals do not.
 */
import { readJsonSource } from './source-map';

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/;
/** Places before or behind the point up to which a number is written without an exponent. */
const MAX_PLAIN = 60;

const MAX_LENGTH = 400;
const MAX_EXPONENT = 400;

/** A number that is `sign` × 0.`digits` × 10^`point`, without zeros around the digits; 0 has none. */
export interface NumberParts {
  readonly sign: 1 | -1;
  readonly digits: string;
  readonly point: number;
}

/** @throws RangeError for a text that is no JSON number */
export function numberParts(text: string): NumberParts {
  const match = NUMBER.exec(text);
  if (match === null) throw new RangeError(`${JSON.stringify(text)} is no JSON number`);
  const [, minus, whole = '', fraction = '', exponent = '0'] = match;
  const all = whole + fraction;
  const first = all.search(/[1-9]/);
  if (first < 0) return { sign: 1, digits: '', point: 0 };
  // A pattern for the zeros at the end would take the square of their number.
  let end = all.length;
  while (all[end - 1] === '0') end -= 1;
  return {
    sign: minus === '-' ? -1 : 1,
    digits: all.slice(first, end),
    point: whole.length - first + Number(exponent),
  };
}

/**
 * Compares two JSON numbers by all their digits: below 0 where `a` is less, 0 where they are equal.
 *
 * @throws RangeError for a text that is no JSON number
 */
export function compareNumbers(a: string, b: string): number {
  const [one, other] = [numberParts(a), numberParts(b)];
  const signs = [one, other].map(({ sign, digits }) => (digits === '' ? 0 : sign));
  if (signs[0] !== signs[1]) return (signs[0] ?? 0) - (signs[1] ?? 0);
  if (one.point !== other.point) return one.point < other.point ? -one.sign : one.sign;
  if (one.digits === other.digits) return 0;
  return one.digits < other.digits ? -one.sign : one.sign;
}

/**
 * Whether every reader takes a JSON number for what it is: it is at most 400 characters long, and its exponent is within
 * ±400. That is past all that a double or a decimal column holds. Python's decimals refuse exponents of 19 digits, and its
 * integers 4,301 digits.
 */
export function isReadable(text: string): boolean {
  return text.length <= MAX_LENGTH && Math.abs(Number(NUMBER.exec(text)?.[4] ?? 0)) <= MAX_EXPONENT;
}

/** Whether a JSON number has nothing behind the point. */
export function isWhole(text: string): boolean {
  const { digits, point } = numberParts(text);
  return digits.length <= point || digits === '';
}

/**
 * Writes a JSON number so that equal numbers have one text: as JavaScript does where that is exact, else with all its
 * digits.
 */
export function canonicalNumber(text: string): string {
  // Adding 0 makes 0 of -0.
  const short = String(Number(text) + 0);
  if (NUMBER.test(short) && compareNumbers(short, text) === 0) return short;
  const { sign, digits, point } = numberParts(text);
  const minus = sign < 0 ? '-' : '';
  if (Math.abs(point) > MAX_PLAIN) return `${minus}0.${digits}e${point}`;
  if (point <= 0) return `${minus}0.${'0'.repeat(-point)}${digits}`;
  const whole = digits.slice(0, point).padEnd(point, '0');
  return digits.length > point ? `${minus}${whole}.${digits.slice(point)}` : `${minus}${whole}`;
}

/** Gives the number at a JSON pointer as it stands in a text. */
export type NumberAt = (pointer: string) => string;

/**
 * A function that gives the number at a JSON pointer as it stands in the text. The text is read at the first call.
 *
 * @param text a JSON text
 * @returns a function that throws TypeError where there is no number
 */
export function numberReader(text: string): NumberAt {
  let source: ReturnType<typeof readJsonSource> | undefined;
  return (pointer) => {
    source ??= readJsonSource(text);
    const found = source.ok ? /^-?[0-9.eE+-]+/.exec(text.slice(source.locate(pointer).offset)) : null;
    if (found === null) throw new TypeError(`no number at ${pointer}`);
    return found[0];
  };
}
