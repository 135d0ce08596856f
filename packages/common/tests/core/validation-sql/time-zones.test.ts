import { describe, expect, it } from '@jest/globals';
import { offsetsAtTheEnds } from '../../../src/core/validation-sql/time-zones';

describe('offsetsAtTheEnds', () => {
  it('knows local mean time in year 1, to the second, and the offset of December in year 9999', () => {
    expect(offsetsAtTheEnds('America/New_York')).toEqual({ first: -17_762, last: -18_000 });
    expect(offsetsAtTheEnds('Asia/Tokyo')).toEqual({ first: 33_539, last: 32_400 });
    expect(offsetsAtTheEnds('Pacific/Kiritimati')).toMatchObject({ last: 50_400 });
    expect(offsetsAtTheEnds('UTC')).toEqual({ first: 0, last: 0 });
  });

  it('refuses what is no time zone', () => {
    expect(() => offsetsAtTheEnds('Mars/Base')).toThrow(RangeError);
  });
});
