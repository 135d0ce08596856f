import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GrowthAnalyser } from '../../../src/core/pattern/growth-analyser';
import { checkPattern } from '../../../src/core/pattern/safety';
import { parsePattern } from '../../../src/core/pattern/syntax';
import { stepsOf } from './backtracking';
import { NO_ANALYSIS, safePattern } from './arbitraries';

const FILE = path.resolve(__dirname, '../../../../../tests/conformance/patterns.json');
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as {
  pattern: string;
  found: string[];
  not_found: string[];
}[];
const unit = fc
  .array(fc.constantFrom('a', 'b', 'c', '.', '1', 'é', ')'), { minLength: 1, maxLength: 3 })
  .map((all) => all.join(''));

/** The factor by which a text four times as long may take longer: four, with room for a constant part. */
const LINEAR = 6;

describe('the vectors of patterns', () => {
  it('are of patterns that a schema may have, and say what JavaScript finds', () => {
    for (const { pattern, found, not_found } of vectors) {
      const regExp = new RegExp(pattern, 'u');
      expect([pattern, checkPattern(pattern, NO_ANALYSIS).ok]).toEqual([pattern, true]);
      expect([...found, ...not_found].filter((text) => regExp.test(text))).toEqual(found);
    }
  });
});

describe('a pattern that is taken', () => {
  const growth = (pattern: string, pump: string): number => {
    const parsed = parsePattern(pattern);
    const after = stepsOf(parsed, `${pump.repeat(240)}!`);
    return after === Infinity ? after : after / (stepsOf(parsed, `${pump.repeat(60)}!`) + 10);
  };

  it('takes a backtracking engine steps that grow with the text', () => {
    fc.assert(
      fc.property(safePattern, unit, (pattern, pump) => {
        expect(growth(pattern, pump)).toBeLessThan(LINEAR);
      }),
      { numRuns: 500, seed: 5 },
    );
  });

  it('does so too where only recheck says that it does', () => {
    const analysers = { decide: new GrowthAnalyser(60_000), explain: new GrowthAnalyser(0) };
    for (const pattern of ['[0-9]+', 'a[0-9]+', '^(?:ab|ac)-[a-z]+(?:x|xy)?[0-9]+$', '^[ab]*c(?:a|ab)?[bc]*$']) {
      expect([pattern, checkPattern(pattern, NO_ANALYSIS).ok]).toEqual([pattern, false]);
      expect([pattern, checkPattern(pattern, analysers)]).toEqual([pattern, { ok: true }]);
      for (const pump of ['a', 'b', 'ab', 'c', '1', 'abc', 'x']) expect(growth(pattern, pump)).toBeLessThan(LINEAR);
    }
  });

  it.each(['^(a+)+$', '^a*a*$', 'a+b', '^(?:a|aa)+$'])('which %s would not, if it were', (pattern) => {
    expect(growth(pattern, 'a')).toBeGreaterThan(LINEAR);
  });
});
