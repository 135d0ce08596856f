import { describe, expect, it } from '@jest/globals';
import { parseSince, sinceIso, utcTime } from '../src/commands/since';
import { parseDestination } from '../src/commands/topic/rewind';
import { parseUntil } from '../src/commands/topic/until';

describe('times of options', () => {
  it.each([
    ['2026-11-23', '2026-11-23T00:00:00.000Z'],
    ['2026-11-23T10:00', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00Z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00:59.5', '2026-11-23T10:00:59.500Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ])('%s is in UTC', (text, iso) => {
    expect(new Date(utcTime(text) ?? NaN).toISOString()).toBe(iso);
    expect(sinceIso(parseSince(text), 0)).toBe(text.replace('Z', ''));
  });

  it.each([
    '2026-02-30',
    '2026-02-30T10:00',
    '2026-11-31T10:00Z',
    '2027-02-29',
    '2026-11-23T24:00',
    '2026-11-23T10:60',
    '2026-13-01',
    '2026-11-23 10:00',
    '2026-11-23T10:00+01:00',
    '20261123T100000Z',
    'yesterday',
    '',
  ])('%s is none, whichever option has it', (text) => {
    for (const parse of [parseSince, parseUntil, parseDestination]) expect(() => parse(text)).toThrow(/must be/);
  });
});
