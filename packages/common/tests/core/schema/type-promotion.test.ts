import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { schemaChanges } from '../../../src/core/drift/schema-changes';
import type { JsonObject } from '../../../src/core/json/value';
import { athenaTypeOf, decimalOf } from '../../../src/core/schema/model';
import { holdsEveryValue, isPromotion } from '../../../src/core/schema/type-promotion';
import { modelOf, withField } from '../../../src/testing';

/** A value of some column: an exact fraction, or the text of another kind of value. */
type Value =
  | { readonly kind: 'number'; readonly n: bigint; readonly d: bigint }
  | { readonly kind: 'boolean' | 'date' | 'timestamp' | 'text' };

function fraction(n: bigint, d = 1n): Value {
  return { kind: 'number', n, d };
}

/** A double as the fraction that it is. */
function ofDouble(value: number): Value {
  let n = value;
  let d = 1n;
  for (; !Number.isInteger(n); n *= 2) d *= 2n;
  return fraction(BigInt(n), d);
}

/** The values at the borders of a type: where a type lacks a value of another one, it lacks one of these. */
function borders(type: string): readonly Value[] {
  const decimal = decimalOf(type);
  if (decimal) {
    const unit = 10n ** BigInt(decimal.scale);
    const most = 10n ** BigInt(decimal.precision) - 1n;
    // A double that has to hold all whole numbers up to a bound has to hold the odd ones next to it, too.
    const odd = most > 2n ** 53n ? 2n ** 53n + 1n : most > 2n ** 24n ? 2n ** 24n + 1n : most;
    return [most, -most, odd, 1n, 0n].map((n) => fraction(n, unit));
  }
  switch (type) {
    case 'int':
      return [2n ** 31n - 1n, -(2n ** 31n), 2n ** 24n + 1n, 0n].map((n) => fraction(n));
    case 'bigint':
      return [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 0n].map((n) => fraction(n));
    case 'float':
      return [Math.fround(0.1), 3.4028234663852886e38, 2 ** -149, 0].map(ofDouble);
    case 'double':
      return [0.1, Number.MAX_VALUE, Number.MIN_VALUE, 0].map(ofDouble);
    case 'boolean':
    case 'date':
    case 'timestamp':
      return [{ kind: type }];
    default:
      return [{ kind: 'text' }];
  }
}

function fitsBinary(n: bigint, d: bigint, bits: number, least: number, most: number): boolean {
  if (n === 0n) return true;
  let [odd, down] = [n < 0n ? -n : n, d];
  while (odd % 2n === 0n && down % 2n === 0n) [odd, down] = [odd / 2n, down / 2n];
  if (down !== 2n ** BigInt(down.toString(2).length - 1) || down > 2n ** BigInt(-least)) return false;
  if (odd > down * 2n ** BigInt(most + 1)) return false;
  while (odd % 2n === 0n) odd /= 2n;
  return odd < 2n ** BigInt(bits);
}

/** Whether a column of the type can hold the value exactly. */
function fits(type: string, value: Value): boolean {
  if (type === 'string') return true;
  if (value.kind !== 'number') return type === value.kind || (type === 'timestamp' && value.kind === 'date');
  const { n, d } = value;
  const whole = (bits: bigint) => n % d === 0n && n / d < 2n ** bits && n / d >= -(2n ** bits);
  const decimal = decimalOf(type);
  if (decimal) {
    const scaled = n * 10n ** BigInt(decimal.scale);
    const most = 10n ** BigInt(decimal.precision);
    return scaled % d === 0n && scaled / d < most && scaled / d > -most;
  }
  switch (type) {
    case 'int':
      return whole(31n);
    case 'bigint':
      return whole(63n);
    case 'float':
      return reducedFits(n, d, 24, -149, 127);
    case 'double':
      return reducedFits(n, d, 53, -1074, 1023);
    default:
      return false;
  }
}

function reducedFits(n: bigint, d: bigint, bits: number, least: number, most: number): boolean {
  let [a, b] = [n < 0n ? -n : n, d];
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n || fitsBinary(n / a, d / a, bits, least, most);
}

const fields: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constantFrom<JsonObject>(
    { type: 'string' },
    { type: 'string', format: 'date-time' },
    { type: 'string', format: 'date' },
    { type: 'integer' },
    { type: 'integer', 'x-type': 'int' },
    { type: 'number' },
    { type: 'number', 'x-type': 'float' },
    { type: 'boolean' },
    { type: 'array' },
  ),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) => fc.tuple(fc.constant(precision), fc.integer({ min: 0, max: precision })))
    .map(([precision, scale]): JsonObject => ({ type: 'number', 'x-type': `decimal(${precision},${scale})` })),
);
const typeOf = (field: JsonObject) => athenaTypeOf(field) ?? '';

describe('a change of a column type', () => {
  it('holds every value exactly when no value at the borders of the old type is missing in the new one', () => {
    fc.assert(
      fc.property(fields, fields, (before, after) => {
        const [from, to] = [typeOf(before), typeOf(after)];
        expect(holdsEveryValue(from, to)).toBe(borders(from).every((value) => fits(to, value)));
      }),
      { numRuns: 500 },
    );
  });

  it('is never a promotion that loses a value', () => {
    fc.assert(
      fc.property(fields, fields, (before, after) => {
        fc.pre(isPromotion(typeOf(before), typeOf(after)));
        expect(holdsEveryValue(typeOf(before), typeOf(after))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('is described truly: what it says of the values holds, and a promotion is compatible', () => {
    fc.assert(
      fc.property(fields, fields, (before, after) => {
        const [change, ...more] = schemaChanges(modelOf(withField('f', before)), modelOf(withField('f', after)));
        const [from, to] = [typeOf(before), typeOf(after)];
        if (from === to && before['type'] === after['type']) {
          expect(change).toBeUndefined();
          return;
        }
        expect(more).toEqual([]);
        const sentence = change?.sentence ?? '';
        expect(change).toMatchObject({
          kind: 'TYPE_CHANGED',
          impact: isPromotion(from, to) ? 'compatible' : 'breaking',
        });
        const loses = borders(from).some((value) => !fits(to, value));
        expect(sentence.includes('does not hold every value')).toBe(loses);
        expect(/which holds every value|every value would fit/.test(sentence)).toBe(!loses && from !== to);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, JsonObject, JsonObject, string]>([
    [
      'decimal to string',
      { type: 'number', 'x-type': 'decimal(10,2)' },
      { type: 'string' },
      'from decimal(10,2) to string: every value would fit, but Iceberg cannot change a column that way',
    ],
    [
      'a bigger to a smaller type',
      { type: 'integer' },
      { type: 'integer', 'x-type': 'int' },
      'from bigint to int, which does not hold every value it had',
    ],
    [
      'a list to a text',
      { type: 'array' },
      { type: 'string' },
      'from array to string, and queries that expect a list may then find any text',
    ],
    ['a text to a list', { type: 'string' }, { type: 'array' }, 'from string to array, but not every text is a list'],
  ])('%s', (_name, before, after, sentence) => {
    const [change] = schemaChanges(modelOf(withField('f', before)), modelOf(withField('f', after)));
    expect(change?.sentence).toBe(`the type of f changes ${sentence}`);
  });
});
