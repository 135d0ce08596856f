import { describe, expect, it } from '@jest/globals';
import { comparedSql, isAmongSql, isMultipleSql } from '../../../src/core/validation-sql/number-sql';

const number = { text: 't', digits: 'd', point: 'e' };

describe('numbers by all their digits', () => {
  it('are compared by sign, by places before the point, and then by digits', () => {
    expect(comparedSql(number, '<', '1.50e3')).toBe("(d = '' OR t LIKE '-%' OR (e < 4 OR (e = 4 AND d < '15')))");
    expect(comparedSql(number, '>', '-0.05')).toBe("(d = '' OR NOT (t LIKE '-%') OR (e < -1 OR (e = -1 AND d < '5')))");
    expect(comparedSql(number, '<', '0.0')).toBe("(NOT (d = '') AND t LIKE '-%')");
  });

  it('are equal where sign, digits and point are', () => {
    expect(isAmongSql(number, ['1.0', '10e-1', '-0', '-120'])).toMatch(/ IN \('1e1', '1e1', '0', '-12e3'\)$/);
  });

  it('are multiples of a power of ten where they have no digits behind its place', () => {
    expect(isMultipleSql(number, '0.01')).toBe("(d = '' OR e - length(d) - (-2) >= 0)");
  });

  it('are divided by no more than seven digits', () => {
    expect(isMultipleSql(number, '12345670')).toContain("CAST('1234567' AS decimal(38,0))");
    expect(isMultipleSql(number, '12345678')).toBeUndefined();
  });
});
