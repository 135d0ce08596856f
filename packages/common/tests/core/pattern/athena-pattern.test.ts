import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { athenaPattern } from '../../../src/core/pattern/athena-pattern';
import { checkPattern } from '../../../src/core/pattern/safety';
import { NO_ANALYSIS } from './arbitraries';

describe('athenaPattern', () => {
  it.each([
    ['^[A-Z]{2}[0-9]{8}$', String.raw`\A[A-Z]{2}[0-9]{8}\z`],
    [String.raw`^\d+$`, String.raw`\A[0-9]{1,}\z`],
    [String.raw`^\w\W?`, String.raw`\A[0-9A-Z\x5fa-z][^0-9A-Z\x5fa-z]{0,1}`],
    ['^a.c$', '\\Aa[^\\x0a\\x0d\u2028-\u2029]c\\z'],
    ['^(?:yes|no|)$', String.raw`\A(?:yes|no|)\z`],
    ['^[😀-😂]$', String.raw`\A[😀-😂]\z`],
    [String.raw`^\.\$é['\]]$`, String.raw`\A\x2e\x24é[\x27\x5d]\z`],
  ])('writes %s as %s', (pattern, expected) => {
    expect(athenaPattern(pattern)).toBe(expected);
  });

  it('matches what the pattern matches', () => {
    const atoms = fc.constantFrom('a', 'b', '\\d', '\\W', '[^a-c]', '.', '\\.', "[-']", 'é', '[😀-😂]', '(?:ab|c)');
    const repeats = fc.constantFrom('', '?', '+', '{2}', '{1,3}');
    const patterns = fc
      .tuple(fc.array(fc.tuple(atoms, repeats), { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([parts, ends]) => `^${parts.map((part) => part.join('')).join('')}${ends ? '$' : ''}`)
      .filter((pattern) => checkPattern(pattern, NO_ANALYSIS).ok);
    const text = fc.array(fc.constantFrom('a', 'b', 'c', '1', '.', "'", '\n', 'é', '😁', '-'), { maxLength: 6 });
    fc.assert(
      fc.property(patterns, text, (pattern, characters) => {
        // JavaScript has neither \A nor \z; ^ and $ mean the same to it.
        const written = athenaPattern(pattern).replace('\\A', '^').replace(/\\z$/, '$');
        const value = characters.join('');
        expect(new RegExp(written, 'u').test(value)).toBe(new RegExp(pattern, 'u').test(value));
      }),
    );
  });
});
