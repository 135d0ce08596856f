import type { ParsedPattern, PatternNode } from '../../../src/core/pattern/syntax';

/** Steps after which a search is given up. */
export const MANY_STEPS = 5_000_000;

class TooManyStepsError extends Error {
  override readonly name = 'TooManyStepsError';
}

/**
 * The number of times that a plain backtracking search, as JavaScript's and Java's is, looks at a character until it
 * has an answer; Infinity past {@link MANY_STEPS}.
 */
export function stepsOf({ root, anchoredAtStart, anchoredAtEnd }: ParsedPattern, text: string): number {
  const codePoints = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  let steps = 0;

  type Next = (at: number) => boolean;
  const run = (node: PatternNode, at: number, next: Next): boolean => {
    switch (node.kind) {
      case 'characters': {
        steps += 1;
        if (steps > MANY_STEPS) throw new TooManyStepsError();
        const here = codePoints[at];
        return here !== undefined && node.set.some(([from, to]) => from <= here && here <= to) && next(at + 1);
      }
      case 'sequence': {
        const from = (index: number): Next => {
          const part = node.parts[index];
          return part === undefined ? next : (here) => run(part, here, from(index + 1));
        };
        return from(0)(at);
      }
      case 'choice':
        return node.parts.some((part) => run(part, at, next));
      case 'repeat': {
        const round = (count: number, here: number): boolean =>
          (count < node.max &&
            run(node.part, here, (after) => (after > here || count < node.min) && round(count + 1, after))) ||
          (count >= node.min && next(here));
        return round(0, at);
      }
    }
  };
  try {
    const starts = anchoredAtStart ? [0] : [...codePoints.keys(), codePoints.length];
    starts.some((start) => run(root, start, (end) => !anchoredAtEnd || end === codePoints.length));
    return steps;
  } catch (error) {
    if (error instanceof TooManyStepsError) return Infinity;
    throw error;
  }
}
