import type { PatternNode } from './syntax';

/** Character positions that a pattern may have once its bounded repeats are written out. */
export const MAX_POSITIONS = 256;

export interface PatternSize {
  /** Character positions, once bounded repeats are written out. */
  readonly positions: number;
  /** An upper bound of the ways that lead through it, not counting the rounds of unbounded repeats. */
  readonly ways: number;
  /** Unbounded repeats, once bounded ones are written out. */
  readonly loops: number;
  /** Whether an unbounded repeat repeats a group. */
  readonly loopsOverGroup: boolean;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function sizeOf(node: PatternNode): PatternSize {
  if (node.kind === 'characters') return { positions: 1, ways: 1, loops: 0, loopsOverGroup: false };
  if (node.kind === 'repeat') {
    const { min, max } = node;
    const part = sizeOf(node.part);
    const copies = max === Infinity ? Math.max(min, 1) : max;
    return {
      positions: part.positions * copies,
      ways: max === Infinity ? part.ways ** copies : waysOfRepeat(part.ways, min, max),
      loops: part.loops * copies + (max === Infinity ? 1 : 0),
      loopsOverGroup: part.loopsOverGroup || (max === Infinity && node.ofGroup),
    };
  }
  const parts = node.parts.map(sizeOf);
  const ways = parts.map((part) => part.ways);
  return {
    positions: sum(parts.map((part) => part.positions)),
    ways: node.kind === 'choice' ? sum(ways) : ways.reduce((product, value) => product * value, 1),
    loops: sum(parts.map((part) => part.loops)),
    loopsOverGroup: parts.some((part) => part.loopsOverGroup),
  };
}

/** The sum of w^k for k from min to max; Infinity where that is too many to count. */
function waysOfRepeat(ways: number, min: number, max: number): number {
  if (ways === 1) return max - min + 1;
  return (ways ** (max + 1) - ways ** min) / (ways - 1);
}
