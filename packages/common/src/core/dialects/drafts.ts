/** The editions of JSON Schema that a file can be written in, oldest first. The number is the year for those that have one. */
export type Draft = 4 | 6 | 7 | 2019 | 2020;

/** The dialect that every file is translated into. */
export const CURRENT_DIALECT = 'https://json-schema.org/draft/2020-12/schema';

const NAMES: Readonly<Record<Draft, string>> = {
  4: 'draft-04',
  6: 'draft-06',
  7: 'draft-07',
  2019: '2019-09',
  2020: '2020-12',
};

/** How people call a draft. A file without a `$schema` is read as the newest. */
export function draftName(draft: Draft | 'latest'): string {
  return NAMES[draft === 'latest' ? 2020 : draft];
}

/**
 * What a `$schema` says: a draft; `latest` for the URIs that stand for whatever draft is the newest, under which old
 * spellings are read, too; `old` for a draft that no longer can be read; undefined for an unknown one.
 */
export function draftOf(uri: string): Draft | 'latest' | 'old' | undefined {
  const [, place = ''] = /^https?:\/\/(?:www\.)?json-schema\.org\/([^#]*?)\/?#?$/.exec(uri) ?? [];
  if (/^(?:draft\/)?(?:hyper-)?schema$/.test(place)) return 'latest';
  const [, year] = /^draft\/(2019-09|2020-12)\/(?:hyper-)?schema$/.exec(place) ?? [];
  if (year !== undefined) return year === '2019-09' ? 2019 : 2020;
  const [, number = ''] = /^draft-0([1-7])\/(?:hyper-)?schema$/.exec(place) ?? [];
  if (number === '6' || number === '7') return number === '6' ? 6 : 7;
  // Draft 5 only clarified draft 4, and has its meta-schema.
  if (number === '4' || number === '5') return 4;
  if (number !== '') return 'old';
  return SELF_DESCRIBING.test(uri) ? 4 : undefined;
}

/** Iglu's meta-schema of self-describing schemas: draft-04, and an annotation `self`. */
const SELF_DESCRIBING =
  /^(?:https?:\/\/iglucentral\.com\/schemas\/|iglu:)com\.snowplowanalytics\.self-desc\/schema\/jsonschema\/[0-9]+-[0-9]+-[0-9]+#?$/;

/** The drafts from and up to which a word asserts something. A word that is not listed does so in each. */
interface Span {
  readonly since: Draft;
  readonly until: Draft;
}

const span = (since: Draft, until: Draft, ...words: string[]): (readonly [string, Span])[] =>
  words.map((word) => [word, { since, until }]);

const SPANS: ReadonlyMap<string, Span> = new Map([
  ...span(6, 2020, 'const', 'contains', 'propertyNames'),
  ...span(7, 2020, 'if', 'then', 'else'),
  ...span(2019, 2020, 'dependentRequired', 'dependentSchemas', 'minContains', 'maxContains'),
  ...span(2019, 2020, 'unevaluatedItems', 'unevaluatedProperties'),
  ...span(2020, 2020, 'prefixItems', '$dynamicRef'),
  ...span(2019, 2019, '$recursiveRef'),
  ...span(4, 2019, 'additionalItems'),
]);

/** Whether a keyword says something in a draft. `dependencies` and `definitions` are read in all of them. */
export function isKnownIn(word: string, draft: Draft): boolean {
  const { since, until } = SPANS.get(word) ?? { since: 4, until: 2020 };
  return since <= draft && draft <= until;
}

/** The first draft that a keyword belongs to. */
export function firstDraftOf(word: string): Draft {
  return SPANS.get(word)?.since ?? 4;
}
