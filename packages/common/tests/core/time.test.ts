import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budget } from '../../src/testing';
import { formatMicros, formatSeconds, MAX_MICROS, MIN_MICROS, microsFromMillis, parseTime } from '../../src/core/time';

const microsOf = (text: string): bigint | string => {
  const time = parseTime(text);
  return time.ok ? time.micros : time.code;
};

describe('parseTime', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0n],
    ['2026-11-23T10:00:00Z', 1_795_428_000_000_000n],
    ['2026-11-23T10:00:00.1Z', 1_795_428_000_100_000n],
    ['2026-11-23T11:30:00.000001+01:30', 1_795_428_000_000_001n],
    ['2026-11-23t10:00:00z', 1_795_428_000_000_000n],
    ['2026-11-23 10:00:00-00:00', 1_795_428_000_000_000n],
    ['1969-12-31T23:59:59.999999Z', -1n],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000_000n],
    ['0001-01-01T00:00:00Z', MIN_MICROS],
    ['9999-12-31T23:59:59.999999Z', MAX_MICROS],
  ])('reads %s', (text, micros) => {
    expect(microsOf(text)).toBe(micros);
  });

  it('is exact where a number rounds: 2^53 microseconds are reached in 2255', () => {
    expect(microsOf('9999-12-31T23:59:59.000001Z')).toBe(253_402_300_799_000_001n);
  });

  it('cuts what is finer than a microsecond, towards the past, so that order is kept', () => {
    expect(microsOf('2026-11-23T10:00:00.123456999Z')).toBe(1_795_428_000_123_456n);
    expect(microsOf('1969-12-31T23:59:59.9999999Z')).toBe(-1n);
  });

  it('takes a leap second at the end of a UTC day as the second after it', () => {
    expect(microsOf('2016-12-31T23:59:60Z')).toBe(microsOf('2017-01-01T00:00:00Z'));
    expect(microsOf('2017-01-01T00:59:60+01:00')).toBe(microsOf('2017-01-01T00:00:00Z'));
    expect(microsOf('2016-12-31T10:59:60Z')).toBe('INVALID_TIME');
  });

  it.each([
    '',
    'yesterday',
    '2026-11-23',
    '2026-11-23T10:00:00',
    '2026-11-23T10:00Z',
    '2026-11-23T10:00:00.Z',
    '2026-11-23T10:00:00+0100',
    '2026-11-23T10:00:00+01',
    '2026-11-23T10:00:00+24:00',
    '2026-11-23T10:00:00Z ',
    ' 2026-11-23T10:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-11-23T24:00:00Z',
    '2026-11-23T10:60:00Z',
    '+2026-11-23T10:00:00Z',
    '12026-11-23T10:00:00Z',
    '２026-11-23T10:00:00Z',
    '2026-11-23T10:00:00Z\u0000',
  ])('refuses %j', (text) => {
    expect(microsOf(text)).toBe('INVALID_TIME');
  });

  it.each(['0000-12-31T23:59:59Z', '0001-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01'])(
    'refuses %s, which no reader of the tables can hold',
    (text) => {
      expect(microsOf(text)).toBe('TIME_OUT_OF_RANGE');
    },
  );

  it('agrees with Date on every millisecond and offset', () => {
    const dates = fc.date({
      min: new Date('0001-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
      noInvalidDate: true,
    });
    const offset = fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59));
    fc.assert(
      fc.property(dates, offset, (date, [sign, hours, minutes]) => {
        const zone = `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
        const text = date.toISOString().replace('Z', zone);
        expect(microsOf(text)).toBe(microsFromMillis(Date.parse(text)));
      }),
      { numRuns: budget({ eachRun: 500, thorough: 2_000 }) },
    );
  });

  it.each([
    [0n, '0'],
    [86_400_000_000n, '86400'],
    [1n, '0.000001'],
    [61_500_000n, '61.5'],
  ])('writes %s microseconds as %s s', (micros, text) => expect(formatSeconds(micros)).toBe(text));

  it('reads back every text that formatMicros writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS }), (micros) => {
        const text = formatMicros(micros);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(microsOf(text)).toBe(micros);
      }),
    );
  });
});
