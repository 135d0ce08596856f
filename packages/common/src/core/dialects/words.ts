import { nearestWord } from '../json/nearest-word';
import { keywordMeantBy } from './also-written';

/**
 * What a word in a schema is: one of ours, that begins with `x-`; one that only describes; one of JSON Schema that says
 * something of values or leads to another schema; or one that is written for another word, which no reader knows.
 */
export type WordKind = 'ours' | 'annotation' | 'assertion' | 'misspelling';

/** The words of all drafts that say something of values, and those of widespread extensions that do. */
export const ASSERTIONS: ReadonlySet<string> = new Set([
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  'additionalItems',
  'additionalProperties',
  'allOf',
  'anyOf',
  'const',
  'contains',
  'contentSchema',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
  'disallow',
  'divisibleBy',
  'else',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'extends',
  'format',
  'formatExclusiveMaximum',
  'formatExclusiveMinimum',
  'formatMaximum',
  'formatMinimum',
  'if',
  'items',
  'maxContains',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minContains',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'not',
  'oneOf',
  'pattern',
  'patternProperties',
  'prefixItems',
  'properties',
  'propertyNames',
  'required',
  'then',
  'type',
  'unevaluatedItems',
  'unevaluatedProperties',
  'uniqueItems',
]);

const OURS = [
  'x-backfill',
  'x-breaking',
  'x-breaking-reason',
  'x-cde',
  'x-event-time',
  'x-event-time-stable',
  'x-flatten',
  'x-not-enforced',
  'x-renamed-from',
  'x-replay-errors',
  'x-time-forms',
  'x-time-zone',
  'x-topic',
  'x-type',
  'x-undeclared',
  'x-version',
];

/** The words of JSON Schema that only describe, identify or hold definitions. */
const DESCRIBING = [
  '$anchor',
  '$comment',
  '$defs',
  '$dynamicAnchor',
  '$id',
  '$recursiveAnchor',
  '$schema',
  '$vocabulary',
  'contentEncoding',
  'contentMediaType',
  'default',
  'definitions',
  'deprecated',
  'description',
  'example',
  'examples',
  'id',
  'readOnly',
  'title',
  'writeOnly',
];

/**
 * Words outside JSON Schema that real schemas have and that say nothing of values, though they look like a keyword or like
 * what people write for one.
 */
const HARMLESS = new Set([
  'comment',
  'desc',
  'displayName',
  'doc',
  'docs',
  'documentation',
  'help',
  'label',
  'links',
  'name',
  'note',
  'notes',
  'nullable',
  'obsolete',
  'optional',
  'options',
  'owner',
  'self',
  'tsType',
  'unit',
  'units',
  'version',
  '$schemaVersion',
  'schemaVersion',
]);

/** Words that are meant to say something of values, and that no keyword stands for. */
const WISHES = new Set([
  '$merge',
  '$patch',
  'precision',
  'scale',
  'unique',
  'x-idempotency-key',
  'x-key',
  'x-primary-key',
]);

const KNOWN_OURS: ReadonlySet<string> = new Set(OURS);
const KNOWN_DESCRIBING: ReadonlySet<string> = new Set(DESCRIBING);
const CANDIDATES = [...OURS, ...ASSERTIONS, ...DESCRIBING];

/** What a word in a schema is. Every string has a kind; see {@link WordKind}. */
export function annotationKind(word: string): WordKind {
  if (KNOWN_OURS.has(word)) return 'ours';
  if (ASSERTIONS.has(word)) return 'assertion';
  if (KNOWN_DESCRIBING.has(word) || HARMLESS.has(word)) return 'annotation';
  if (WISHES.has(word) || keywordMeantBy(word) !== undefined) return 'misspelling';
  return nearestKeyword(word) === undefined ? 'annotation' : 'misspelling';
}

/** The word that a misspelt one is near to. A word in more parts, as `x-go-type`, is one of somebody else's. */
function nearestKeyword(word: string): string | undefined {
  const near = nearestWord(word, CANDIDATES);
  return near === undefined || hyphens(word) > hyphens(near) ? undefined : near;
}

function hyphens(word: string): number {
  return word.split('-').length - 1;
}
