import { complement, type CharacterSet } from './character-set';
import { parsePattern, type PatternNode } from './syntax';

const LAST = 0x10ffff;

/**
 * A schema's pattern in a form that Athena's regular expressions read as the schema means it, whichever engine runs them
 * (Joni or RE2J): ASCII letters and digits as they are, other ASCII by number, the rest as it is; classes written out, as
 * engines differ on \d and \w; the text's own start and end.
 *
 * Wants a pattern that checkPattern accepts.
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
  // What reaches from the first character on is meant as "all but": shorter so, and without odd characters.
  const negated = first?.[0] === 0 && !(set.length === 1 && first[1] === LAST);
  const ranges = (negated ? complement(set) : set).flatMap(([from, to]) => {
    // No text holds half a surrogate pair.
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
