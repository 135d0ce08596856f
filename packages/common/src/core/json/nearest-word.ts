import { distance } from 'fastest-levenshtein';

/** Longer words are not misspellings of ours, and comparing them costs time in proportion to their length. */
const MAX_LENGTH = 64;
const MAX_CANDIDATES = 500;

/** How many misspellings of a file are looked up, so that a file full of them is still refused at once. */
export const MAX_SUGGESTIONS = 50;

/** The candidate that a misspelt word most likely means: at most a third of its letters differ, and case does not count. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const lower = word.toLowerCase();
  let nearest: string | undefined;
  let least = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1;
  for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const found = distance(lower, candidate.toLowerCase());
    if (found >= least) continue;
    least = found;
    nearest = candidate;
  }
  return nearest;
}
