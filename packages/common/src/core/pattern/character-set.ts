/** A set of code points, as sorted, inclusive ranges that do not touch. */
export type CharacterSet = readonly (readonly [from: number, to: number])[];

const LAST = 0x10ffff;

/** The set of all characters in any of the ranges, which may overlap. */
export function characters(...ranges: readonly (readonly [number, number])[]): CharacterSet {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous && from <= previous[1] + 1) previous[1] = Math.max(previous[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function single(codePoint: number): CharacterSet {
  return [[codePoint, codePoint]];
}

export function union(...sets: readonly CharacterSet[]): CharacterSet {
  return characters(...sets.flat());
}

export function complement(set: CharacterSet): CharacterSet {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) gaps.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) gaps.push([next, LAST]);
  return gaps;
}

/** Whether every code point is in at most one of the sets. */
export function disjoint(sets: readonly CharacterSet[]): boolean {
  const ranges = sets.flat().sort((a, b) => a[0] - b[0]);
  return ranges.every(([from], index) => from > (ranges[index - 1]?.[1] ?? -1));
}

export const DIGITS = characters([0x30, 0x39]);
export const WORD = characters([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]);
/** The characters that `.` matches in JavaScript: all but its line terminators. */
export const DOT = complement(characters([0x0a, 0x0a], [0x0d, 0x0d], [0x2028, 0x2029]));
