import { RegExpParser, type AST } from '@eslint-community/regexpp';
import { PatternSyntaxError } from './syntax';

/** The white space that JavaScript's `\s` stands for, within a class. */
const SPACES = String.raw`\t\n\x0b\x0c\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`;
/** Characters that have a meaning of their own, outside a class and within one. */
const SPECIAL = /[\\^$.*+?()[\]{}|/]/;
const SPECIAL_IN_CLASS = /[\\\]^[\-&]/;

/**
 * Writes a pattern in what all engines read alike, where it can be said there: white space as its characters, `^a$|^b$` as
 * `^(?:a|b)$`, named groups without their names, and every character by the escape that all of them know. Of what is matched
 * nothing changes.
 *
 * @param pattern a regular expression of JavaScript's, with the flag `u` or without
 * @throws PatternSyntaxError PATTERN_INVALID for any other text
 * @returns the pattern as it is, where it holds what has no such spelling
 */
export function portablePattern(pattern: string): string {
  try {
    return written(treeOf(pattern));
  } catch (error) {
    if (error instanceof NoSpelling) return pattern;
    throw error;
  }
}

class NoSpelling extends Error {}

function treeOf(pattern: string): AST.Pattern {
  const parser = new RegExpParser({ ecmaVersion: 2025 });
  const parse = (unicode: boolean) => parser.parsePattern(pattern, 0, pattern.length, { unicode });
  try {
    return parse(true);
  } catch {
    try {
      // `\-` and the like are errors with the flag, and mean the character without it.
      return parse(false);
    } catch (error) {
      throw new PatternSyntaxError('PATTERN_INVALID', 'not a regular expression', error);
    }
  }
}

function written({ alternatives }: AST.Pattern): string {
  const starts = alternatives.every((one) => isEdge(one, 'start'));
  const ends = alternatives.every((one) => isEdge(one, 'end'));
  const inner = choice(alternatives, { starts, ends });
  const needsGroup = alternatives.length > 1 && (starts || ends);
  return `${starts ? '^' : ''}${needsGroup ? `(?:${inner})` : inner}${ends ? '$' : ''}`;
}

/** Which anchors are written around the whole pattern, and so not where they stood. */
interface Edges {
  readonly starts: boolean;
  readonly ends: boolean;
}

const INSIDE: Edges = { starts: false, ends: false };

/** Whether an alternative begins or ends with an anchor, or with a group of which every alternative does. */
function isEdge({ elements }: AST.Alternative, kind: 'start' | 'end'): boolean {
  const element = kind === 'start' ? elements[0] : elements.at(-1);
  if (element?.type === 'Assertion') return element.kind === kind;
  if (element?.type !== 'Group' && element?.type !== 'CapturingGroup') return false;
  return element.alternatives.every((one) => isEdge(one, kind));
}

function choice(alternatives: readonly AST.Alternative[], edges: Edges): string {
  return alternatives.map((one) => sequence(one.elements, edges)).join('|');
}

function sequence(elements: readonly AST.Element[], { starts, ends }: Edges): string {
  return elements
    .map((element, index) =>
      item(element, { starts: starts && index === 0, ends: ends && index === elements.length - 1 }),
    )
    .join('');
}

function item(element: AST.Element, edges: Edges): string {
  switch (element.type) {
    case 'Character':
      return character(element.value, SPECIAL);
    case 'CharacterSet':
      return set(element, false);
    case 'CharacterClass':
      return `[${element.negate ? '^' : ''}${classOf(element.elements)}]`;
    case 'Group':
      if (element.modifiers !== null) throw new NoSpelling();
      return `(?:${choice(element.alternatives, edges)})`;
    case 'CapturingGroup':
      return element.name === null && edges === INSIDE
        ? `(${choice(element.alternatives, edges)})`
        : `(?:${choice(element.alternatives, edges)})`;
    case 'Quantifier':
      // Whether a repeat is greedy decides what is found, and not whether something is.
      return `${item(element.element, INSIDE)}${quantifier(element)}`;
    case 'Assertion':
      if (element.kind === 'start' && edges.starts) return '';
      if (element.kind === 'end' && edges.ends) return '';
      throw new NoSpelling();
    case 'Backreference':
    case 'ExpressionCharacterClass':
      throw new NoSpelling();
  }
}

function quantifier({ min, max }: AST.Quantifier): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === 0 && max === 1) return '?';
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

function set(element: AST.CharacterSet, inClass: boolean): string {
  if (element.kind === 'any') return '.';
  if (element.kind === 'digit') return element.negate ? negated('0-9', inClass) : String.raw`\d`;
  if (element.kind === 'word') return element.negate ? negated('A-Za-z0-9_', inClass) : String.raw`\w`;
  if (element.kind !== 'space') throw new NoSpelling();
  if (element.negate) return negated(SPACES, inClass);
  return inClass ? SPACES : `[${SPACES}]`;
}

function negated(characters: string, inClass: boolean): string {
  if (inClass) throw new NoSpelling();
  return `[^${characters}]`;
}

function classOf(elements: AST.CharacterClass['elements']): string {
  if (elements.length === 0) throw new NoSpelling();
  return elements
    .map((element) => {
      if (element.type === 'Character') return character(element.value, SPECIAL_IN_CLASS);
      if (element.type === 'CharacterSet') return set(element, true);
      if (element.type !== 'CharacterClassRange') throw new NoSpelling();
      return `${character(element.min.value, SPECIAL_IN_CLASS)}-${character(element.max.value, SPECIAL_IN_CLASS)}`;
    })
    .join('');
}

function character(value: number, special: RegExp): string {
  if (value >= 0xd800 && value <= 0xdfff) throw new NoSpelling();
  const text = String.fromCodePoint(value);
  if (special.test(text)) return `\\${text}`;
  if (value < 0x20 || value === 0x7f) return `\\x${value.toString(16).padStart(2, '0')}`;
  return text;
}
