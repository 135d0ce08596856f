import { RegExpParser, RegExpSyntaxError, type AST } from '@eslint-community/regexpp';
import { LeanOpsError } from '../errors';
import { characters, complement, DIGITS, DOT, single, union, WORD, type CharacterSet } from './character-set';

/** A pattern as a tree; anchors are kept apart, see {@link ParsedPattern}. */
export type PatternNode =
  | { readonly kind: 'characters'; readonly set: CharacterSet }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternNode[] }
  | RepeatNode;

export interface RepeatNode {
  readonly kind: 'repeat';
  readonly part: PatternNode;
  readonly min: number;
  readonly max: number;
  /** Whether a group repeats, which may be more than one character. */
  readonly ofGroup: boolean;
}

export interface ParsedPattern {
  readonly anchoredAtStart: boolean;
  readonly anchoredAtEnd: boolean;
  readonly root: PatternNode;
}

/** Thrown for a pattern outside the subset that JavaScript, RE2, Trino, Java and Python read alike. */
export class PatternSyntaxError extends LeanOpsError {
  override readonly name = 'PatternSyntaxError';
  declare readonly code: 'PATTERN_INVALID' | 'PATTERN_UNSUPPORTED';

  constructor(code: PatternSyntaxError['code'], message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

const MAX_GROUPS_DEEP = 10;
const SURROGATE = 'half a surrogate pair is no character: write the character itself';
const ANCHORS = '^ and $ may stand only at the very start and end; put alternatives in (?:a|b)';
/** The ways to write a character: itself, \t \n \r \f, \xHH, \uHHHH, or a backslash before punctuation. */
const PORTABLE_CHARACTER = /^(?:[^\\]|\\(?:[tnrf]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[^A-Za-z0-9]))$/u;

/**
 * Reads the subset of regular expressions that means the same in JavaScript (`u`), RE2, Trino, Java and Python:
 * literals, classes, `\d \w`, groups, alternatives, quantifiers, and anchors at the very start and end.
 *
 * Engines other than JavaScript must take `$` as the end of the text only (RE2, Java: `\z`; Python: `\Z`), `\d` and
 * `\w` as ASCII, and `.` as any character but \n, \r, U+2028 and U+2029.
 *
 * @throws PatternSyntaxError for a text that is no regular expression, or has a construct outside the subset
 */
export function parsePattern(pattern: string): ParsedPattern {
  const { alternatives } = treeOf(pattern);
  const [first] = alternatives;
  const elements = alternatives.length === 1 && first ? first.elements : [];
  const anchoredAtStart = isEdge(elements[0], 'start');
  const anchoredAtEnd = isEdge(elements.at(-1), 'end');
  const inner = elements.slice(anchoredAtStart ? 1 : 0, anchoredAtEnd ? -1 : undefined);
  const root = elements.length > 0 ? sequence(inner, 0) : choice(alternatives, 0);
  return { anchoredAtStart, anchoredAtEnd, root };
}

function treeOf(pattern: string): AST.Pattern {
  try {
    return new RegExpParser({ ecmaVersion: 2025 }).parsePattern(pattern, 0, pattern.length, { unicode: true });
  } catch (error) {
    if (!(error instanceof RegExpSyntaxError)) throw error;
    const reason = error.message.slice(error.message.lastIndexOf(': ') + 2);
    throw new PatternSyntaxError(
      'PATTERN_INVALID',
      `not a regular expression: ${reason} at character ${error.index + 1}`,
      error,
    );
  }
}

function unsupported(message: string): PatternSyntaxError {
  return new PatternSyntaxError('PATTERN_UNSUPPORTED', message);
}

function isEdge(element: AST.Element | undefined, kind: 'start' | 'end'): boolean {
  return element?.type === 'Assertion' && element.kind === kind;
}

function choice(alternatives: readonly AST.Alternative[], depth: number): PatternNode {
  if (depth > MAX_GROUPS_DEEP) throw unsupported(`groups are nested more than ${MAX_GROUPS_DEEP} deep`);
  const parts = alternatives.map(({ elements }) => sequence(elements, depth));
  return parts.length === 1 && parts[0] ? parts[0] : { kind: 'choice', parts };
}

function sequence(elements: readonly AST.Element[], depth: number): PatternNode {
  return { kind: 'sequence', parts: elements.map((element) => nodeOf(element, depth)) };
}

function nodeOf(element: AST.Element, depth: number): PatternNode {
  switch (element.type) {
    case 'Character':
    case 'CharacterSet':
    case 'CharacterClass':
      return { kind: 'characters', set: setOf(element) };
    case 'Quantifier': {
      const { min, max } = element;
      if (max < min || max === 0) throw unsupported(`${element.raw} never matches anything`);
      const ofGroup = element.element.type === 'Group' || element.element.type === 'CapturingGroup';
      return { kind: 'repeat', part: nodeOf(element.element, depth), min, max, ofGroup };
    }
    case 'Group':
      if (element.modifiers !== null) throw unsupported(`the flags of ${element.raw} are not allowed`);
      return choice(element.alternatives, depth + 1);
    case 'CapturingGroup':
      if (element.name !== null) throw unsupported('named groups are not allowed; use (?:…)');
      return choice(element.alternatives, depth + 1);
    case 'Assertion':
      if (element.kind === 'start' || element.kind === 'end') throw unsupported(ANCHORS);
      throw unsupported(`${element.raw} is not allowed: neither looking ahead or behind, nor word borders`);
    case 'Backreference':
    case 'ExpressionCharacterClass':
      throw unsupported(`${element.raw} is not allowed: it differs between engines, or looks back`);
  }
}

function setOf(element: AST.CharacterClassElement | AST.CharacterSet | AST.CharacterClass): CharacterSet {
  switch (element.type) {
    case 'Character':
      return single(codePointOf(element));
    case 'CharacterClassRange':
      return characters([codePointOf(element.min), codePointOf(element.max)]);
    case 'CharacterSet':
      if (element.kind === 'any') return DOT;
      if (element.kind === 'digit') return element.negate ? complement(DIGITS) : DIGITS;
      if (element.kind === 'word') return element.negate ? complement(WORD) : WORD;
      throw unsupported(`${element.raw} is not allowed: it differs between engines`);
    case 'CharacterClass':
      return classOf(element);
    case 'ExpressionCharacterClass':
    case 'ClassStringDisjunction':
      throw unsupported(`${element.raw} is not allowed: it differs between engines`);
  }
}

function codePointOf({ raw, value }: AST.Character): number {
  if (value >= 0xd800 && value <= 0xdfff) throw unsupported(SURROGATE);
  if (!PORTABLE_CHARACTER.test(raw)) throw unsupported(`${raw} is not allowed: write the character itself, or \\uHHHH`);
  return value;
}

function classOf({ raw, negate, elements }: AST.CharacterClass): CharacterSet {
  if (elements.length === 0) throw unsupported('an empty class [] or [^] differs between engines');
  // Java reads [a[b]] as a union and && as an intersection.
  if (elements.some((element) => element.raw.startsWith('[') || element.raw.endsWith('-['))) {
    throw unsupported('[ in a class must be escaped: engines differ');
  }
  if (raw.includes('&&')) throw unsupported('&& in a class must be escaped: engines differ');
  const set = union(...elements.map(setOf));
  return negate ? complement(set) : set;
}
