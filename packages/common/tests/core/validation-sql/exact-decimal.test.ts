import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { plainDecimal, quantized } from '../../../src/core/validation-sql/exact-decimal';

describe('quantized', () => {
  it.each([
    ['0.005', 2, 'floor', '0.00'],
    ['0.005', 2, 'ceiling', '0.01'],
    ['-0.995', 2, 'floor', '-1.00'],
    ['-0.995', 2, 'ceiling', '-0.99'],
    ['0.10000000000000000001', 20, 'floor', '0.10000000000000000001'],
    ['1e3', 0, 'floor', '1000'],
    ['15e-1', 0, 'ceiling', '2'],
    ['-0.0', 1, 'ceiling', '0.0'],
    ['1e-99999999', 2, 'ceiling', '0.01'],
    ['-1e-99999999', 2, 'floor', '-0.01'],
  ] as const)('brings %s to %i places, %s: %s', (text, scale, rounding, expected) => {
    expect(plainDecimal(quantized(text, scale, rounding), scale)).toBe(expected);
  });

  it('has the number between its two neighbours, which are one step apart or the number itself', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.nat(25),
        fc.nat(10),
        (digits, places, scale) => {
          const text = plainDecimal(digits, places);
          const floor = quantized(text, scale, 'floor');
          const ceiling = quantized(text, scale, 'ceiling');
          const [one, other] = [digits * 10n ** BigInt(scale), 10n ** BigInt(places)];
          expect(floor * other <= one && one <= ceiling * other).toBe(true);
          expect(ceiling - floor).toBe(floor * other === one ? 0n : 1n);
        },
      ),
    );
  });
});
