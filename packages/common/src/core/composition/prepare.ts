/** Takes out of a schema what its author says is not enforced, and finds what nothing can enforce. */
import { isObject, pointerTo, type JsonObject } from '../json/value';
import { MAX_SUGGESTIONS } from '../json/nearest-word';
import { GrowthAnalyser } from '../pattern/growth-analyser';
import { checkPattern, type PatternAnalysers } from '../pattern/safety';
import { strayKeyword } from '../schema/keyword-advice';
import { formatProblem, isMisspeltFormat } from '../schema/type-advice';
import { parsePattern } from '../pattern/syntax';
import { portablePattern } from '../pattern/portable';
import { shown, type SchemaProblem } from '../problem';
import { statedTypes } from '../keywords/types';
import { annotationKind } from '../dialects/words';
import {
  FIELD_WORDS,
  isEnforcedFormat,
  NEVER_ENFORCED,
  ROOT_WORDS,
  SCHEMA_IN,
  SCHEMAS_BY_NAME,
  SCHEMAS_IN_LIST,
  UNEVALUATED,
  WORDS_OF_TYPE,
} from '../keywords/words';

export const NOT_ENFORCED = 'x-not-enforced';
/** Words of a field that stand at the top of a file as well, about the payload. */
const ALSO_AT_ROOT: ReadonlySet<string> = new Set(['x-cde', 'x-flatten', NOT_ENFORCED]);
/** Characters of a pattern that is analysed; the meta-schema refuses longer ones. */
const MAX_PATTERN = 512;
/** Milliseconds for examples of texts that refused patterns are slow on. */
const EXPLANATION_BUDGET_MS = 100;

export interface Prepared {
  readonly document: JsonObject;
  /** Where a node of the document stands in the author's file. */
  readonly origin: (node: object) => string | undefined;
  readonly problems: readonly SchemaProblem[];
}

/**
 * A copy of a schema in the words of 2020-12 without those that `x-not-enforced` names.
 *
 * @param document of bounded depth
 * @param origin where a node of it stands in the author's file
 * @param patternBudgetMs milliseconds that the analysis of all patterns together may take
 */
export function prepare(
  document: JsonObject,
  origin: (node: object) => string | undefined,
  patternBudgetMs: number,
): Prepared {
  const preparation = new Preparation(document, origin, {
    decide: new GrowthAnalyser(patternBudgetMs),
    // It has a budget of its own, so that explaining a refused pattern takes no time from one that may be safe.
    explain: new GrowthAnalyser(EXPLANATION_BUDGET_MS),
  });
  const copy = preparation.schema(document, '', true) as JsonObject;
  return { document: copy, origin: (node) => preparation.origins.get(node), problems: preparation.problems };
}

class Preparation {
  readonly problems: SchemaProblem[] = [];
  readonly origins = new WeakMap<object, string>();
  /** JSON pointers to words that the top of the file names as not enforced. */
  readonly #named: ReadonlySet<string>;

  constructor(
    document: JsonObject,
    private readonly origin: (node: object) => string | undefined,
    private readonly analysers: PatternAnalysers,
  ) {
    const listed = document[NOT_ENFORCED];
    this.#named = new Set(
      (Array.isArray(listed) ? (listed as unknown[]) : []).filter((one) => typeof one === 'string'),
    );
  }

  schema(node: unknown, pointer: string, isRoot = false): unknown {
    if (!isObject(node)) return node;
    const at = this.origin(node) ?? pointer;
    const listed: unknown = node[NOT_ENFORCED];
    const taken = new Set<unknown>(Array.isArray(listed) ? listed : []);
    const words: [string, unknown][] = [];
    for (const [word, value] of Object.entries(node)) {
      const place = pointerTo(at, word);
      const isNamed = taken.has(word) || this.#named.has(place);
      const found = this.#wordProblem(word, value, node, isRoot);
      if (found === undefined) {
        if (isNamed && this.#mayBeLeftOut(word)) this.#leftOut(word, place);
        else words.push([word, this.#value(word, value, place)]);
      } else if (isNamed && found.mayBeNamed) this.#leftOut(word, place);
      else {
        this.problems.push({ path: place, ...found.problem });
        // A word that is only warned of says nothing. Any other stays, as a schema that was accepted once is read all the same.
        if (found.problem.severity !== 'warning') words.push([word, this.#value(word, value, place)]);
      }
    }
    const copy = Object.fromEntries(words);
    this.origins.set(copy, at);
    return copy;
  }

  #value(word: string, value: unknown, place: string): unknown {
    if (word === 'pattern' && typeof value === 'string' && value.length <= MAX_PATTERN)
      return this.#pattern(value, place);
    if (word === 'patternProperties' && isObject(value)) {
      const inner = Object.entries(value).map(
        ([pattern, one]) =>
          [this.#pattern(pattern, pointerTo(place, pattern)), this.schema(one, pointerTo(place, pattern))] as const,
      );
      return this.#placed(Object.fromEntries(inner), place);
    }
    if (SCHEMA_IN.has(word)) return this.schema(value, place);
    if (SCHEMAS_IN_LIST.has(word) && Array.isArray(value)) {
      return this.#placed(
        (value as unknown[]).map((one, index) => this.schema(one, pointerTo(place, index))),
        place,
      );
    }
    if (SCHEMAS_BY_NAME.has(word) && isObject(value)) {
      const inner = Object.entries(value).map(
        ([name, one]) => [name, this.schema(one, pointerTo(place, name))] as const,
      );
      return this.#placed(Object.fromEntries(inner), this.origin(value) ?? place);
    }
    return value;
  }

  /** The pattern as all engines read it, with a warning where one of them may be slow. */
  #pattern(pattern: string, place: string): string {
    const written = portable(pattern);
    const verdict = checkPattern(written, this.analysers);
    if (verdict.ok && verdict.slow !== undefined) {
      this.problems.push({
        code: 'PATTERN_SLOW',
        severity: 'warning',
        path: place,
        message: `${verdict.slow}. Cycles are not slower for it, and schema plan leaves long texts out`,
        hint: 'start it with ^, and let the next character decide where a repeat ends',
      });
    }
    return written;
  }

  #placed<T extends object>(copy: T, place: string): T {
    this.origins.set(copy, place);
    return copy;
  }

  /** What cannot be enforced, or is no word at all. `mayBeNamed`: x-not-enforced may name it. */
  #wordProblem(
    word: string,
    value: unknown,
    node: JsonObject,
    isRoot: boolean,
  ): { readonly problem: Omit<SchemaProblem, 'path'>; readonly mayBeNamed: boolean } | undefined {
    if (NEVER_ENFORCED.has(word)) return { problem: unenforced(word), mayBeNamed: true };
    switch (annotationKind(word)) {
      case 'annotation':
        return undefined;
      case 'ours':
        if (isRoot ? ROOT_WORDS.has(word) || ALSO_AT_ROOT.has(word) : FIELD_WORDS.has(word)) return undefined;
        return { problem: this.#stray(word, node), mayBeNamed: false };
      case 'misspelling':
        return { problem: this.#stray(word, node), mayBeNamed: false };
      case 'assertion':
        break;
    }
    if (word === 'format') return formatFound(value, node);
    if (word === 'pattern') return this.#patternFound(value);
    if (word === 'patternProperties' && isObject(value)) {
      for (const name of Object.keys(value)) {
        const found = this.#patternFound(name);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  #stray(word: string, node: JsonObject): Omit<SchemaProblem, 'path'> {
    return strayKeyword(word, node, this.problems.length < MAX_SUGGESTIONS);
  }

  #patternFound(pattern: unknown) {
    if (typeof pattern !== 'string' || pattern === '' || pattern.length > MAX_PATTERN) return undefined;
    const verdict = checkPattern(portable(pattern), this.analysers);
    if (verdict.ok) return undefined;
    const { code, message, hint } = verdict;
    return { problem: { code, message, hint }, mayBeNamed: true };
  }

  /** Words that judge members by names that no column has: they may be left out where the author says so. */
  #mayBeLeftOut(word: string): boolean {
    return UNEVALUATED.has(word) || (WORDS_OF_TYPE.has(word) && !['properties', 'required'].includes(word));
  }

  #leftOut(word: string, path: string): void {
    this.problems.push({
      code: 'NOT_ENFORCED',
      severity: 'warning',
      path,
      message: `"${word}" is not enforced, as ${NOT_ENFORCED} says`,
      hint: 'check it where the events are made, or where they are used',
    });
  }
}

/** The problem with a word that nothing can judge rows by. */
export function unenforced(word: string): Omit<SchemaProblem, 'path'> {
  return { code: 'UNENFORCED_KEYWORD', message: `${shown(word)} cannot be enforced`, hint: hintToName(word) };
}

/** The line to add for a word that is taken only with the author's word for it. */
export function hintToName(word: string): string {
  return `add "${NOT_ENFORCED}": ["${word}"] beside it if nobody has to enforce it, or take it out`;
}

function portable(pattern: string): string {
  try {
    parsePattern(pattern);
    return pattern;
  } catch {
    try {
      return portablePattern(pattern);
    } catch {
      // What it is no regular expression for is said by the check.
      return pattern;
    }
  }
}

/** Formats that JSON Schema defines and nothing here judges. */
const DEFINED_FORMATS: ReadonlySet<unknown> = new Set([
  'idn-email',
  'idn-hostname',
  'iri',
  'iri-reference',
  'uri-template',
  'relative-json-pointer',
  'regex',
]);

function formatFound(value: unknown, node: JsonObject) {
  if (isEnforcedFormat(value)) return undefined;
  const types = statedTypes(node['type']);
  const isOfTexts = types === undefined || types.has('string');
  if (!isOfTexts || (typeof value === 'string' && !DEFINED_FORMATS.has(value) && !isMisspeltFormat(value))) {
    const problem = {
      code: 'FORMAT_SAYS_NOTHING',
      severity: 'warning' as const,
      message: isOfTexts
        ? `${shown(value)} is no format that JSON Schema defines, so nothing is checked by it`
        : `${shown(value)} says nothing about "type": ${shown(node['type'])}`,
      hint: 'for texts of a form write "pattern"; for another column type write "x-type"',
    };
    return { problem, mayBeNamed: true };
  }
  if (DEFINED_FORMATS.has(value)) {
    // By JSON Schema 2020-12 a format asserts nothing unless a validator says so, and of these ours says nothing.
    const problem = {
      code: 'FORMAT_NOT_CHECKED',
      severity: 'warning' as const,
      message: `texts are not checked to be of the format ${shown(value)}`,
      hint: `write a "pattern" beside it, or ${hintToName('format')}`,
    };
    return { problem, mayBeNamed: true };
  }
  const problem = formatProblem(value);
  return { problem: { ...problem, hint: `${problem.hint}; or ${hintToName('format')}` }, mayBeNamed: true };
}
