import * as recheck from 'recheck/lib/browser.js';

export type Growth =
  | { readonly kind: 'linear' | 'unknown' }
  /** attack: a text that shows it, as an expression. at: the part of the pattern that is tried again and again. */
  | { readonly kind: 'super-linear'; readonly summary: string; readonly attack: string; readonly at: string };

/** Asks recheck how the time of a backtracking engine grows with the text, within a budget for all patterns of a schema. */
export class GrowthAnalyser {
  readonly #known = new Map<string, Growth>();
  #leftMs: number;

  /**
   * @param budgetMs milliseconds for all patterns together; what is asked after that is unknown. How long recheck takes
   * hangs on the pattern in ways that nothing but trying shows.
   */
  constructor(budgetMs: number) {
    this.#leftMs = budgetMs;
  }

  /** @param pattern one that `new RegExp(pattern, 'u')` accepts */
  growthOf(pattern: string): Growth {
    const known = this.#known.get(pattern);
    if (known !== undefined) return known;
    if (this.#leftMs <= 0) return { kind: 'unknown' };
    const started = performance.now();
    const growth = ask(pattern, this.#leftMs);
    this.#leftMs -= performance.now() - started;
    this.#known.set(pattern, growth);
    return growth;
  }
}

/** By automata theory only: recheck's other way, fuzzing, finds attacks but shows no pattern safe. */
function ask(pattern: string, timeout: number): Growth {
  const found = library().checkSync(pattern, 'u', { checker: 'automaton', timeout: Math.ceil(timeout) });
  if (found.status === 'safe') return { kind: 'linear' };
  if (found.status === 'unknown') return { kind: 'unknown' };
  const hottest = found.hotspot.find(({ temperature }) => temperature === 'heat') ?? found.hotspot[0];
  return {
    kind: 'super-linear',
    summary: found.complexity.summary,
    attack: found.attack.pattern,
    at: hottest ? pattern.slice(hottest.start, hottest.end) : pattern,
  };
}

/**
 * A CommonJS file: Node finds its exports under `default` only, bundlers and Jest by their names. Asked for here, not when
 * this file is loaded, so that bundles that check no schema leave its megabytes out.
 */
function library(): Pick<typeof recheck, 'checkSync'> {
  const exported: Partial<typeof recheck> = recheck;
  return exported.default ?? recheck;
}
