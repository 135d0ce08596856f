import { complement, DIGITS, DOT, single, union, WORD, characters, type CharacterSet } from './character-set';

export type PatternNode =
  | { readonly kind: 'characters'; readonly set: CharacterSet }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly min: number; readonly max: number };

export interface ParsedPattern {
  readonly anchoredAtStart: boolean;
  readonly anchoredAtEnd: boolean;
  readonly root: PatternNode;
}

/** Why a pattern is outside the subset that JavaScript, Java and Python read alike. */
export class PatternSyntaxError extends Error {
  override readonly name = 'PatternSyntaxError';
}

const SURROGATE = 'half a surrogate pair is no character: write the character itself';
const CONTROL: Readonly<Record<string, number>> = { t: 0x09, n: 0x0a, r: 0x0d, f: 0x0c };
const CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
};

/**
 * Reads the subset of regular expressions that means the same in JavaScript (`u`), Java and Python: literals, classes,
 * `\d \w`, groups, alternatives, quantifiers, and anchors at the very start and end. Wants a pattern that
 * `new RegExp(pattern, 'u')` accepts.
 *
 * Readers other than JavaScript must take `$` as the end of the text only (Java, Python: `\z`, `\Z`), `\d` and `\w` as
 * ASCII, and `.` as any character but \n, \r, U+2028 and U+2029.
 *
 * @throws PatternSyntaxError saying which construct is outside the subset
 */
export function parsePattern(pattern: string): ParsedPattern {
  return new PatternParser(pattern).parse();
}

class PatternParser {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#characters = Array.from(pattern);
  }

  parse(): ParsedPattern {
    if (this.#characters.some((character) => /\p{Surrogate}/u.test(character))) throw new PatternSyntaxError(SURROGATE);
    const anchoredAtStart = this.#take('^');
    const root = this.#choice(0);
    const anchoredAtEnd = this.#take('$');
    if (this.#peek() !== undefined) {
      throw new PatternSyntaxError('^ and $ may stand only at the very start and end; put alternatives in (?:a|b)');
    }
    if (root.kind === 'choice' && (anchoredAtStart || anchoredAtEnd)) {
      throw new PatternSyntaxError('^ and $ bind tighter than |: write ^(?:a|b)$');
    }
    return { anchoredAtStart, anchoredAtEnd, root };
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new PatternSyntaxError('the pattern ends in the middle of something');
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #choice(depth: number): PatternNode {
    if (depth > 20) throw new PatternSyntaxError('groups are nested more than 20 deep');
    const parts = [this.#sequence(depth)];
    while (this.#take('|')) parts.push(this.#sequence(depth));
    return parts.length === 1 && parts[0] ? parts[0] : { kind: 'choice', parts };
  }

  #sequence(depth: number): PatternNode {
    const parts: PatternNode[] = [];
    for (let c = this.#peek(); c !== undefined && c !== '|' && c !== ')' && c !== '$'; c = this.#peek()) {
      parts.push(this.#quantified(this.#atom(depth)));
    }
    return { kind: 'sequence', parts };
  }

  #atom(depth: number): PatternNode {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return { kind: 'characters', set: this.#class() };
      case '.':
        return { kind: 'characters', set: DOT };
      case '\\':
        return { kind: 'characters', set: this.#escape() };
      case '^':
        throw new PatternSyntaxError('^ may stand only at the very start');
      default:
        return { kind: 'characters', set: single(character.codePointAt(0) ?? 0) };
    }
  }

  #group(depth: number): PatternNode {
    if (this.#take('?') && !this.#take(':')) {
      throw new PatternSyntaxError('look-ahead, look-behind, flags and named groups are not allowed; use (?:…)');
    }
    const inside = this.#choice(depth + 1);
    if (!this.#take(')')) throw new PatternSyntaxError('$ may stand only at the very end');
    return inside;
  }

  #quantified(part: PatternNode): PatternNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    this.#take('?'); // lazy: the same texts match
    return { kind: 'repeat', part, ...bounds };
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Infinity };
    if (this.#take('+')) return { min: 1, max: Infinity };
    if (this.#take('?')) return { min: 0, max: 1 };
    if (!this.#take('{')) return undefined;
    let text = '';
    for (let c = this.#next(); c !== '}'; c = this.#next()) text += c;
    const match = /^(\d+)(,(\d*))?$/.exec(text);
    if (!match) throw new PatternSyntaxError(`{${text}} is no quantifier`);
    const min = Number(match[1]);
    return { min, max: match[2] === undefined ? min : match[3] ? Number(match[3]) : Infinity };
  }

  #escape(): CharacterSet {
    const character = this.#next();
    const known = CLASSES[character] ?? (CONTROL[character] === undefined ? undefined : single(CONTROL[character]));
    if (known) return known;
    if (character === 'u' || character === 'x') return single(this.#hexadecimal(character === 'u' ? 4 : 2));
    if (/[A-Za-z0-9]/.test(character)) {
      throw new PatternSyntaxError(`\\${character} is not allowed: it differs between engines, or looks back`);
    }
    return single(character.codePointAt(0) ?? 0);
  }

  #hexadecimal(length: number): number {
    let digits = '';
    while (digits.length < length) digits += this.#next();
    if (!/^[0-9A-Fa-f]+$/.test(digits)) throw new PatternSyntaxError('write \\uXXXX with four hexadecimal digits');
    const codePoint = Number.parseInt(digits, 16);
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) throw new PatternSyntaxError(SURROGATE);
    return codePoint;
  }

  #class(): CharacterSet {
    const negated = this.#take('^');
    const sets: CharacterSet[] = [];
    while (!this.#take(']')) {
      const from = this.#classMember();
      const start = from[0]?.[0] ?? 0;
      const ranged = this.#peek() === '-' && this.#characters[this.#at + 1] !== ']';
      if (!ranged) {
        sets.push(from);
        continue;
      }
      this.#at += 1;
      const end = this.#classMember()[0]?.[1] ?? 0;
      sets.push(characters([start, end]));
    }
    if (sets.length === 0) throw new PatternSyntaxError('an empty class [] or [^] differs between engines');
    return negated ? complement(union(...sets)) : union(...sets);
  }

  #classMember(): CharacterSet {
    const character = this.#next();
    if (character === '\\') return this.#escape();
    // Java reads [a[b]] as a union and && as an intersection.
    if (character === '[' || (character === '&' && this.#peek() === '&')) {
      throw new PatternSyntaxError(`${character} in a class must be escaped: engines differ`);
    }
    return single(character.codePointAt(0) ?? 0);
  }
}
