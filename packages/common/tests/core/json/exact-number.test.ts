import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalNumber, compareNumbers, isWhole, numberReader } from '../../../src/core/json/exact-number';

/** A number as JSON writes it, with the digits and the power of ten that it stands for. */
const numbers = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -40, max: 40 }), fc.nat(3))
  .map(([digits, exponent, zeros]) => ({
    digits,
    exponent,
    text: `${digits}${zeros === 0 ? '' : `.${'0'.repeat(zeros)}`}e${exponent}`,
  }));

describe('exact numbers', () => {
  it('compare as their digits do', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const least = Math.min(a.exponent, b.exponent);
        const [one, other] = [a, b].map(({ digits, exponent }) => digits * 10n ** BigInt(exponent - least));
        expect(Math.sign(compareNumbers(a.text, b.text))).toBe(one! < other! ? -1 : one! > other! ? 1 : 0);
      }),
    );
  });

  it('have one canonical text, which is the number itself', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const text = canonicalNumber(a.text);
        expect(compareNumbers(text, a.text)).toBe(0);
        expect(text === canonicalNumber(b.text)).toBe(compareNumbers(a.text, b.text) === 0);
      }),
    );
  });

  it.each([
    ['-0', '0'],
    ['0.0e9', '0'],
    ['1.0', '1'],
    ['1e300', '1e+300'],
    ['0.1000000000000000000002', '0.1000000000000000000002'],
    ['-12345678901234567890123e-3', '-12345678901234567890.123'],
    ['1e-400', '0.1e-399'],
  ])('write %s as %s', (text, expected) => {
    expect(canonicalNumber(text)).toBe(expected);
  });

  it.each([
    ['3', true],
    ['3.0', true],
    ['30e-1', true],
    ['0.000', true],
    ['3.00000000000000000000001', false],
    ['1e-400', false],
  ])('are whole or not: %s', (text, whole) => {
    expect(isWhole(text)).toBe(whole);
  });

  it('are read where they stand, the last one of a name that stands twice', () => {
    const numberAt = numberReader('{"a": {"b": [1, -2.50e+3]}, "c": 1, "c": 7.0}');
    expect([numberAt('/a/b/1'), numberAt('/c')]).toEqual(['-2.50e+3', '7.0']);
    expect(() => numberAt('/a')).toThrow(TypeError);
  });
});
