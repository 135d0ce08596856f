import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budget } from '../../../src/testing';
import { GrowthAnalyser } from '../../../src/core/pattern/growth-analyser';
import { checkPattern as check, type PatternVerdict } from '../../../src/core/pattern/safety';
import { NO_ANALYSIS } from './arbitraries';

const analysers = { decide: new GrowthAnalyser(60_000), explain: new GrowthAnalyser(0) };
const checkPattern = (pattern: string): PatternVerdict => check(pattern, analysers);

const code = (pattern: string): string => {
  const verdict = checkPattern(pattern);
  return verdict.ok ? 'OK' : verdict.code;
};

describe('checkPattern', () => {
  it('shows a text that a pattern is slow on, and the part that is to blame', () => {
    const verdict = check('^x[a-z]*[a-z0-9]*$', analysers);
    expect(verdict.ok ? verdict.slow : '').toMatch(/^its time is 2nd degree polynomial .* because of "\[a-z\]": try '/);
    const refused = check('^(a+)+$', analysers);
    expect(refused.ok ? '' : refused.message).toMatch(/^its time is exponential .* because of "a": try '/);
  });

  it.each(['^a*a*$', '^.*,.*$', 'a+b', '[a-z]+$'])(
    'takes %s, which is slow only where its engine goes back',
    (pattern) => {
      expect(checkPattern(pattern)).toMatchObject({ ok: true, slow: expect.stringContaining('2nd degree polynomial') });
    },
  );

  it.each(['^a*a*a*$', '^.*,.*,.*$', 'a*b*a+c'])('refuses %s, whose time grows with the cube of a text', (pattern) => {
    expect(checkPattern(pattern)).toMatchObject({ code: 'PATTERN_UNSAFE', message: expect.stringContaining('degree') });
  });

  it('says that it does not know, rather than take a pattern, when the time is up', () => {
    expect(check('[0-9]+', NO_ANALYSIS)).toMatchObject({
      code: 'PATTERN_UNSAFE',
      message: 'it could not be shown to be linear-time',
    });
  });

  it.each([
    '^[A-Z]{2}[0-9]{8}$',
    '^[a-z][a-z0-9_]*$',
    '^\\d{4}-\\d{2}(?:-\\d{2})?$',
    '^[^@]+@[^@]+$',
    '^(?:OK|WARN|ERROR)$',
    '^(?:ab+)*$',
    '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
    'abc',
    '[0-9]{3}',
    '^[A-Z]{1,3}-[0-9]+(?:\\.[0-9]+)?$',
    '^[äöü]+😀$',
    '^[\\w.-]+$',
    '^.*$',
    '^(?:|)a$',
    // These have two ways at some point and are linear all the same.
    '^.*-prod$',
    '[0-9]+',
    'error|warning|fatal',
    '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
    '^(?:foo|foobar|foobaz)-[0-9]+$',
    '^(?:m|m2|m3|m/s|m/s2)$',
    '^[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?$',
    '^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$',
    '^(?:site|zone)-[0-9]+/(?:rack|row)-[0-9]+$',
    '^P(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:T(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?$',
  ])('takes %s', (pattern) => {
    expect(checkPattern(pattern)).toEqual({ ok: true });
  });

  it.each([
    '^(a+)+$',
    '^(a*)*$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '^(a?b?)*$',
    '^(\\w+\\s?)*$'.replace('\\s', ' '),
    // recheck calls these safe, as they read a bounded text; they read it in 2^30 ways.
    '^(?:a?){30}a{30}$',
    '^(?:a|a){25}b$',
    '^(?:(?:a{1,20}){1,20}){1,20}b$',
    '^a{1000}$',
    '^(?:a{100}){100}$',
    '^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*$',
  ])('refuses %s as not provably linear', (pattern) => {
    expect(code(pattern)).toBe('PATTERN_UNSAFE');
  });

  it.each(['(', '[z-a]', '*a', 'a{2', '\\q', '(?<n', ']'])('refuses %s as no regular expression', (pattern) => {
    expect(code(pattern)).toBe('PATTERN_INVALID');
  });

  it.each([
    '(a)\\1',
    '(?=a)b',
    '(?<!a)b',
    '(?<n>a)',
    'a\\b',
    '\\p{L}',
    '\\s',
    '^a|b$',
    'a^b',
    '(a$)b',
    '[[a]',
    '[a&&b]',
    '[^]',
    '\\u{1f600}',
    '\\ud83d',
    '\\ud83d\\ude00',
    '\\v',
    '\\0',
    '\\cA',
    '(?i:a)',
    '\\p{L}+',
    '[!-[]',
    'a{0}',
    '\ud83d',
    '(?:'.repeat(30) + ')'.repeat(30),
  ])('refuses %s as outside what all engines read alike', (pattern) => {
    expect(code(pattern)).toBe('PATTERN_UNSUPPORTED');
  });

  it('never throws, and answers at once', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '[ab]',
      '[^a]',
      '.',
      '\\d',
      '(',
      '(?:',
      ')',
      '|',
      '*',
      '+',
      '?',
      '{2}',
      '{1,}',
      '^',
      '$',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        expect(typeof check(pieces.join(''), NO_ANALYSIS).ok).toBe('boolean');
      }),
      { numRuns: budget({ eachRun: 500, thorough: 2_000 }) },
    );
  });
});
