import { isDeterministic } from './determinism';
import type { Growth, GrowthAnalyser } from './growth-analyser';
import { MAX_POSITIONS, sizeOf } from './size';
import { parsePattern, PatternSyntaxError, type ParsedPattern } from './syntax';
import { shown } from '../problem';

export type PatternVerdict =
  /** `slow` says for which texts a backtracking engine takes the square of their length; undefined for a pattern that has none. */
  | { readonly ok: true; readonly slow?: string }
  | {
      readonly ok: false;
      readonly code: 'PATTERN_INVALID' | 'PATTERN_UNSUPPORTED' | 'PATTERN_UNSAFE';
      readonly message: string;
      readonly hint: string;
    };

/** Analysers with a budget each, so that explaining a refusal takes no time from deciding. */
export interface PatternAnalysers {
  /** Decides on patterns that are not deterministic. */
  readonly decide: GrowthAnalyser;
  /** Finds an example of a text that a refused pattern is slow on. */
  readonly explain: GrowthAnalyser;
}

/** Ways that may lead through a pattern: a matcher tries each at most once for each place in the text. */
const MAX_WAYS = 10_000;

const EXAMPLE = '^[A-Z]{2}[0-9]{8}$';
const HINTS = {
  PATTERN_INVALID: 'close what is open, and put \\\\ before a character that is meant literally',
  PATTERN_UNSUPPORTED: `use only literals, [classes], \\\\d, \\\\w, (?:groups), | and quantifiers, as in ${EXAMPLE}`,
  PATTERN_UNSAFE: `start it with ^, and let the next character decide where a repeat ends, as in ${EXAMPLE}`,
} as const;
const SMALLER = 'use fewer and shorter counted repeats: write + or *, and maxLength beside the pattern';

function unsafe(message: string, hint: string = HINTS.PATTERN_UNSAFE): PatternVerdict {
  return { ok: false, code: 'PATTERN_UNSAFE', message, hint };
}

/**
 * Checks that a pattern means the same in every engine that runs it, and matches there in time linear in the text. A
 * pattern that cannot be shown to is refused, with a sentence that says why.
 */
export function checkPattern(pattern: string, analysers: PatternAnalysers): PatternVerdict {
  try {
    return safetyOf(pattern, parsePattern(pattern), analysers);
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    return { ok: false, code: error.code, message: error.message, hint: HINTS[error.code] };
  }
}

function safetyOf(
  pattern: string,
  { root, anchoredAtStart }: ParsedPattern,
  analysers: PatternAnalysers,
): PatternVerdict {
  const size = sizeOf(root);
  if (size.positions > MAX_POSITIONS) {
    return unsafe(`it has more than ${MAX_POSITIONS} characters once counted repeats are written out`, SMALLER);
  }
  const bounded = size.loops === 0;
  const deterministic = isDeterministic(root, size);
  if (deterministic && (bounded || anchoredAtStart)) return { ok: true };
  const slowness = () => slownessOf(analysers.explain.growthOf(pattern));
  if (size.ways > MAX_WAYS) return unsafe(slowness() ?? `a matcher has more than ${MAX_WAYS} ways through it`, SMALLER);
  if (bounded || (size.loops === 1 && anchoredAtStart && !size.loopsOverGroup)) return { ok: true };
  const growth = analysers.decide.growthOf(pattern);
  if (growth.kind === 'linear') return { ok: true };
  const found = slownessOf(growth);
  // The job matches in linear time whatever the pattern is, and the statements of a plan look at short texts alone.
  if (growth.kind === 'super-linear' && growth.degree === 2 && found !== undefined) return { ok: true, slow: found };
  return unsafe(found ?? 'it could not be shown to be linear-time');
}

/** Whether a backtracking engine may take the square of a text's length: it is not shown that it takes less. */
export function mayBeSlow(pattern: string, analyser: GrowthAnalyser): boolean {
  const { root, anchoredAtStart } = parsePattern(pattern);
  const size = sizeOf(root);
  const bounded = size.loops === 0;
  if (isDeterministic(root, size) && (bounded || anchoredAtStart)) return false;
  if (size.ways <= MAX_WAYS && (bounded || (size.loops === 1 && anchoredAtStart && !size.loopsOverGroup))) return false;
  return analyser.growthOf(pattern).kind !== 'linear';
}

/** A sentence that shows how slow recheck found the pattern; undefined where it found nothing. */
function slownessOf(growth: Growth): string | undefined {
  if (growth.kind !== 'super-linear') return undefined;
  const attack = growth.attack.length > 80 ? `${growth.attack.slice(0, 80)}…` : growth.attack;
  return `its time is ${growth.summary} in the length of the text, because of ${shown(growth.at)}: try ${attack}`;
}
