import { LeanOpsError } from '../errors';
import { disjoint, type CharacterSet } from './character-set';
import { MAX_POSITIONS, type PatternSize } from './size';
import type { PatternNode } from './syntax';

/** Thrown while the automaton is built; isDeterministic catches it. */
class AmbiguousPatternError extends LeanOpsError {
  override readonly name = 'AmbiguousPatternError';

  constructor() {
    super('PATTERN_AMBIGUOUS', 'the next character does not decide the way');
  }
}

/** A part of the automaton: whether it matches nothing, and the positions at which a match begins and ends. */
interface Fragment {
  readonly nullable: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const EMPTY: Fragment = { nullable: true, first: [], last: [] };

/**
 * The position (Glushkov) automaton of a pattern. It refuses ambiguity while it is built: every set of next positions
 * must be disjoint, no step may be possible in two ways (`(a+)+`), and there may be only one way to match nothing.
 */
class Automaton {
  readonly #sets: CharacterSet[] = [];
  readonly #follow: number[][] = [];

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
    for (const next of [start.first, ...this.#follow]) {
      if (!disjoint(next.map((position) => this.#sets[position] ?? []))) throw new AmbiguousPatternError();
    }
  }

  #position(set: CharacterSet): Fragment {
    const position = this.#sets.push(set) - 1;
    this.#follow.push([]);
    return { nullable: false, first: [position], last: [position] };
  }

  #connect(last: readonly number[], first: readonly number[]): void {
    for (const from of last) {
      const next = this.#follow[from] ?? [];
      for (const to of first) {
        if (next.includes(to)) throw new AmbiguousPatternError();
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
    if (options.filter((option) => option.nullable).length > 1) throw new AmbiguousPatternError();
    return {
      nullable: options.some((option) => option.nullable),
      first: options.flatMap((option) => option.first),
      last: options.flatMap((option) => option.last),
    };
  }

  /** Writes a repeat out in the form in which it stays deterministic: x{2,4} as xx(x(x)?)?, and x{2,} as xx+. */
  #repeat(part: PatternNode, min: number, max: number): Fragment {
    const copies = max === Infinity ? Math.max(min, 1) : max;
    const parts: Fragment[] = [];
    for (let copy = 0; copy < copies; copy += 1) {
      const fragment = this.build(part);
      if (fragment.nullable && (min === 0 || max > min)) throw new AmbiguousPatternError();
      parts.push(fragment);
    }
    if (max === Infinity) {
      const loop = parts.at(-1) ?? EMPTY;
      this.#connect(loop.last, loop.first);
    }
    return parts.reduceRight<Fragment>((rest, fragment, index) => {
      const optional = index >= min ? { ...fragment, nullable: false } : fragment;
      const chain = this.#join(optional, rest);
      return index >= min ? { ...chain, nullable: true } : chain;
    }, EMPTY);
  }
}

/**
 * Whether the next character alone decides the way at each point of a pattern. Then a wrong branch ends at once in
 * every engine, and giving no character back (Java's possessive `*+`) changes nothing. It is so when the pattern is
 * strongly one-unambiguous (Brüggemann-Klein, Wood: One-Unambiguous Regular Languages, 1998).
 *
 * @param size the size of the same pattern; one of more than {@link MAX_POSITIONS} counts as not deterministic
 */
export function isDeterministic(root: PatternNode, size: PatternSize): boolean {
  if (size.positions > MAX_POSITIONS) return false;
  try {
    const automaton = new Automaton();
    automaton.checkDeterminism(automaton.build(root));
    return true;
  } catch (error) {
    if (error instanceof AmbiguousPatternError) return false;
    throw error;
  }
}
