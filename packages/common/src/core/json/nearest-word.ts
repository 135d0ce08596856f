import { distance } from 'fastest-levenshtein';

/** Characters of a word that is compared. Longer words misspell none of ours, and comparing them takes time. */
const MAX_LENGTH = 64;
const MAX_CANDIDATES = 500;

/** Misspellings of one file that are looked up, so that a file full of them is still refused at once. */
export const MAX_SUGGESTIONS = 50;

/**
 * The candidate that a misspelt word most likely means; undefined without one. At most a third of its letters may
 * differ, one of a short word, and never all of them. Case does not count.
 */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const lower = word.toLowerCase();
  let nearest: string | undefined;
  let least = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1;
  for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const found = distance(lower, candidate.toLowerCase());
    if (found >= least || found >= word.length) continue;
    least = found;
    nearest = candidate;
  }
  return nearest;
}
