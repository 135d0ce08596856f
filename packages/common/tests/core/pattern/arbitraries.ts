import fc from 'fast-check';
import { GrowthAnalyser } from '../../../src/core/pattern/growth-analyser';
import { checkPattern } from '../../../src/core/pattern/safety';

/**
 * Analysers that never run recheck, whose time depends on the pattern: a pattern that only it can settle is unsafe
 * then.
 */
export const NO_ANALYSIS = { decide: new GrowthAnalyser(0), explain: new GrowthAnalyser(0) };

const ATOMS = [
  'a',
  'b',
  'c',
  '[ab]',
  '[^a]',
  '[a-c.$]',
  '.',
  '\\d',
  '\\w',
  '\\W',
  '\\.',
  '\\n',
  '\\u0085',
  '😀',
  'é',
  '\\)',
];
const REPEATS = ['', '', '', '?', '*', '+', '{2}', '{1,3}', '{2,}', '+?', '*?', '{2,}?'];
const GROUP_REPEATS = ['', '?', '*', '+', '{2,}', '*?', '{1,3}', '*', '+'];

/** Patterns in the syntax that all engines share; not all of them are safe. */
export const sharedPattern: fc.Arbitrary<string> = fc
  .letrec<{ part: string; choice: string }>((tie) => ({
    part: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      fc.tuple(fc.constantFrom(...ATOMS), fc.constantFrom(...REPEATS)).map((both) => both.join('')),
      fc
        .tuple(fc.constantFrom('(?:', '('), tie('choice'), fc.constantFrom(...GROUP_REPEATS))
        .map(([open, inside, repeat]) => `${open}${inside})${repeat}`),
    ),
    choice: fc
      .array(fc.array(tie('part'), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
      .map((options) => options.map((parts) => parts.join('')).join('|')),
  }))
  .choice.chain((inside) =>
    fc
      .tuple(fc.constantFrom('^', '^', '^', ''), fc.constantFrom('$', '$', ''))
      .map(([start, end]) => (start + end === '' ? inside : `${start}(?:${inside})${end}`)),
  );

/** Shared patterns that a schema may have, without those that only recheck can settle. */
export const safePattern = sharedPattern.filter((pattern) => checkPattern(pattern, NO_ANALYSIS).ok);

const PIECES = [
  'a',
  'b',
  'c',
  'ab',
  'abc',
  '1',
  '.',
  '$',
  ')',
  '_',
  '-',
  '\n',
  '\r',
  '\u0085',
  '\u2028',
  '😀',
  'é',
  '٣',
];
/** Texts for the patterns to search. */
export const text: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...['a', 'b', 'c', 'a', 'b', 'aa', 'ab'], ...PIECES), { maxLength: 6 })
  .map((pieces) => pieces.join(''));
