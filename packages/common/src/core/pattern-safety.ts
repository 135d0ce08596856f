import { disjoint, type CharacterSet } from './character-set';
import { parsePattern, PatternSyntaxError, type PatternNode } from './pattern-syntax';

export type PatternVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: 'PATTERN_INVALID' | 'PATTERN_UNSUPPORTED' | 'PATTERN_UNSAFE';
      readonly message: string;
    };

/** Character positions after bounded repeats are written out; a matcher's work per character of text is at most this. */
const MAX_POSITIONS = 256;

class UnsafePattern extends Error {}

interface Fragment {
  readonly nullable: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const EMPTY: Fragment = { nullable: true, first: [], last: [] };

/**
 * The position (Glushkov) automaton of a pattern, which refuses ambiguity while it is built.
 *
 * It is enough for a linear-time match by a backtracking engine, as JavaScript's and Java's are, that the pattern is
 * strongly one-unambiguous (Brüggemann-Klein, Wood: One-Unambiguous Regular Languages, 1998): the next character alone
 * decides the way. Then a wrong branch dies at once. So every set of next positions must be disjoint, no step may be
 * possible in two ways (`(a+)+`), and there must be only one way to match nothing (`(a?)*`).
 */
class Automaton {
  readonly #sets: CharacterSet[] = [];
  readonly #follow: number[][] = [];
  unbounded = false;

  build(node: PatternNode): Fragment {
    switch (node.kind) {
      case 'characters':
        return this.#position(node.set);
      case 'sequence':
        return node.parts.reduce<Fragment>((before, part) => this.#join(before, this.build(part)), EMPTY);
      case 'choice':
        return this.#choice(node.parts.map((part) => this.build(part)));
      case 'repeat':
        return this.#repeat(node.part, node.min, node.max);
    }
  }

  checkDeterminism(start: Fragment): void {
    for (const next of [start.first, ...this.#follow]) this.#checkDisjoint(next);
  }

  #position(set: CharacterSet): Fragment {
    if (this.#sets.length >= MAX_POSITIONS) {
      throw new UnsafePattern(`it is longer than ${MAX_POSITIONS} characters once repeats are written out`);
    }
    const position = this.#sets.push(set) - 1;
    this.#follow.push([]);
    return { nullable: false, first: [position], last: [position] };
  }

  #connect(last: readonly number[], first: readonly number[]): void {
    for (const from of last) {
      const next = this.#follow[from] ?? [];
      for (const to of first) {
        if (next.includes(to)) throw new UnsafePattern('a repeat inside a repeat can match one text in several ways');
        next.push(to);
      }
    }
  }

  #join(a: Fragment, b: Fragment): Fragment {
    this.#connect(a.last, b.first);
    return {
      nullable: a.nullable && b.nullable,
      first: a.nullable ? [...a.first, ...b.first] : a.first,
      last: b.nullable ? [...a.last, ...b.last] : b.last,
    };
  }

  #choice(options: readonly Fragment[]): Fragment {
    if (options.filter((option) => option.nullable).length > 1) {
      throw new UnsafePattern('more than one alternative can match nothing');
    }
    return {
      nullable: options.some((option) => option.nullable),
      first: options.flatMap((option) => option.first),
      last: options.flatMap((option) => option.last),
    };
  }

  /** x{2,4} is xx(x(x)?)?, and x{2,} is xx+: the forms in which a repeat stays deterministic. */
  #repeat(part: PatternNode, min: number, max: number): Fragment {
    if (max < min || max === 0) throw new UnsafePattern('a repeat that never matches anything');
    const copies = max === Infinity ? Math.max(min, 1) : max;
    if (copies > MAX_POSITIONS) throw new UnsafePattern(`a repeat of more than ${MAX_POSITIONS}`);
    const parts: Fragment[] = [];
    for (let copy = 0; copy < copies; copy += 1) {
      const fragment = this.build(part);
      if (fragment.nullable && (min === 0 || max > min)) {
        throw new UnsafePattern('a repeated part can match nothing');
      }
      parts.push(fragment);
    }
    if (max === Infinity) {
      this.unbounded = true;
      const loop = parts.at(-1) ?? EMPTY;
      this.#connect(loop.last, loop.first);
    }
    const joined = parts.reduceRight<Fragment>((rest, fragment, index) => {
      const optional = index >= min ? { ...fragment, nullable: false } : fragment;
      const chain = this.#join(optional, rest);
      return index >= min ? { ...chain, nullable: true } : chain;
    }, EMPTY);
    return joined;
  }

  #checkDisjoint(next: readonly number[]): void {
    if (!disjoint(next.map((position) => this.#sets[position] ?? []))) {
      throw new UnsafePattern('at some point one and the same character could be matched in two ways');
    }
  }
}

/**
 * Is this pattern sure to match in time linear in the text, in every engine that runs it? Conservative: what cannot be
 * shown safe is refused, with a sentence that says why.
 */
export function checkPattern(pattern: string): PatternVerdict {
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /s, '') : String(error);
    return { ok: false, code: 'PATTERN_INVALID', message: `not a regular expression: ${reason}` };
  }
  try {
    const { root, anchoredAtStart } = parsePattern(pattern);
    const automaton = new Automaton();
    automaton.checkDeterminism(automaton.build(root));
    if (automaton.unbounded && !anchoredAtStart) {
      throw new UnsafePattern('with *, + or {n,} it must start with ^, or every position of the text is tried in turn');
    }
    return { ok: true };
  } catch (error) {
    if (error instanceof PatternSyntaxError) {
      return { ok: false, code: 'PATTERN_UNSUPPORTED', message: error.message };
    }
    if (error instanceof UnsafePattern) {
      return { ok: false, code: 'PATTERN_UNSAFE', message: `not provably linear-time: ${error.message}` };
    }
    throw error;
  }
}
