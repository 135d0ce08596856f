import { complement, type CharacterSet } from './character-set';
import { parsePattern, type PatternNode } from './syntax';

const LAST = 0x10ffff;

/**
 * Writes a schema's pattern so that both engines of Athena (Joni and RE2J) read it as the schema means it. ASCII
 * letters and digits and all characters past ASCII stay as they are, other ASCII is written by number, classes are
 * written out, as engines differ on \d and \w, and \A and \z are the start and end of the text.
 *
 * @param pattern a pattern that checkPattern accepts
 */
export function athenaPattern(pattern: string): string {
  const { anchoredAtStart, anchoredAtEnd, root } = parsePattern(pattern);
  return `${anchoredAtStart ? '\\A' : ''}${render(root)}${anchoredAtEnd ? '\\z' : ''}`;
}

function render(node: PatternNode): string {
  switch (node.kind) {
    case 'characters':
      return renderSet(node.set);
    case 'sequence':
      return node.parts.map(render).join('');
    case 'choice':
      return `(?:${node.parts.map(render).join('|')})`;
    case 'repeat': {
      const { part, min, max } = node;
      const atom = part.kind === 'characters' ? render(part) : `(?:${render(part)})`;
      return `${atom}{${min}${max === min ? '' : `,${max === Infinity ? '' : max}`}}`;
    }
  }
}

function renderSet(set: CharacterSet): string {
  const [first] = set;
  if (set.length === 1 && first !== undefined && first[0] === first[1]) return renderCharacter(first[0]);
  // A set that begins with the first character means "all but": negated it is shorter, and has no odd characters.
  const negated = first?.[0] === 0 && !(set.length === 1 && first[1] === LAST);
  const ranges = (negated ? complement(set) : set).flatMap(([from, to]) => {
    // No text holds half a surrogate pair, so ranges leave them out.
    const start = isSurrogate(from) ? 0xe000 : from;
    const end = isSurrogate(to) ? 0xd7ff : to;
    if (start > end) return [];
    return [start === end ? renderCharacter(start) : `${renderCharacter(start)}-${renderCharacter(end)}`];
  });
  return `[${negated ? '^' : ''}${ranges.join('')}]`;
}

function isSurrogate(codePoint: number): boolean {
  return codePoint >= 0xd800 && codePoint <= 0xdfff;
}

function renderCharacter(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  if (codePoint >= 0x80 || /[A-Za-z0-9]/.test(character)) return character;
  return `\\x${codePoint.toString(16).padStart(2, '0')}`;
}
