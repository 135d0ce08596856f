import * as recheck from 'recheck/lib/browser.js';

/** How the time of a backtracking engine grows with the length of the text. */
export type Growth =
  | { readonly kind: 'linear' | 'unknown' }
  /** `attack` is an expression of a text that shows it, `at` the part of the pattern that is tried again and again. */
  | {
      readonly kind: 'super-linear';
      /** The degree of a polynomial; undefined where the time grows exponentially. */
      readonly degree: number | undefined;
      readonly summary: string;
      readonly attack: string;
      readonly at: string;
    };

/**
 * Analyses patterns with recheck, within a budget of time for all patterns of a schema. How long recheck takes depends
 * on the pattern in ways that only trying shows.
 */
export class GrowthAnalyser {
  readonly #known = new Map<string, Growth>();
  #leftMs: number;

  /** @param budgetMs milliseconds for all patterns together; the growth of any pattern after that is unknown */
  constructor(budgetMs: number) {
    this.#leftMs = budgetMs;
  }

  /** @param pattern a pattern that `new RegExp(pattern, 'u')` accepts */
  growthOf(pattern: string): Growth {
    const known = this.#known.get(pattern);
    if (known !== undefined) return known;
    if (this.#leftMs <= 0) return { kind: 'unknown' };
    const started = performance.now();
    const growth = analyse(pattern, this.#leftMs);
    this.#leftMs -= performance.now() - started;
    this.#known.set(pattern, growth);
    return growth;
  }
}

/** Analyses by automata theory only: recheck's other way, fuzzing, finds attacks but shows no pattern safe. */
function analyse(pattern: string, timeout: number): Growth {
  const found = library().checkSync(pattern, 'u', { checker: 'automaton', timeout: Math.ceil(timeout) });
  if (found.status === 'safe') return { kind: 'linear' };
  if (found.status === 'unknown') return { kind: 'unknown' };
  const hottest = found.hotspot.find(({ temperature }) => temperature === 'heat') ?? found.hotspot[0];
  return {
    kind: 'super-linear',
    degree: found.complexity.type === 'polynomial' ? found.complexity.degree : undefined,
    summary: found.complexity.summary,
    attack: found.attack.pattern,
    at: hottest ? pattern.slice(hottest.start, hottest.end) : pattern,
  };
}

/**
 * The exports of recheck, a CommonJS file: Node finds them under `default` only, bundlers and Jest by their names. They
 * are read here and not when this file is loaded, so that bundles that check no schema leave its megabytes out.
 */
function library(): Pick<typeof recheck, 'checkSync'> {
  const exported: Partial<typeof recheck> = recheck;
  return exported.default ?? recheck;
}
