import { keywordMeantBy } from '../dialects/also-written';
import { nearestWord } from '../json/nearest-word';
import { CONSTRAINT_KEYWORDS } from './model';
import type { JsonObject } from '../json/value';
import { shown, type SchemaProblem } from '../problem';

const STANDS_ALONE = 'write the fields out where they are used: a topic schema refers to no other';
const ARRAY = 'leave it out: arrays are kept as JSON text and not checked inside';
const NAMED = 'name each field under "properties"';
const OPEN = 'leave it out: a new member becomes a column of Standardized and a line in drift_log';
const ONE_TYPE = 'a field has one type: give each form a field or a topic of its own';
const ELSEWHERE = 'split the topic, or check the values where they are used';
const AS_IT_IS = 'leave it out: a string is stored as it is sent';
const OF_A_FIELD = 'move it into the field it is about, under "properties"';
const OF_THE_SCHEMA = 'move it to the top of the file';
const KEY =
  "leave it out: a record's key is the idempotency_key that the producer puts in the envelope, and a schema cannot name another";

/** Hints for the keywords of JSON Schema that the pipeline does not enforce. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['$dynamicRef', STANDS_ALONE],
  ['$recursiveRef', STANDS_ALONE],
  ['$defs', STANDS_ALONE],
  ['definitions', STANDS_ALONE],
  ['$id', 'leave it out: x-topic and x-version name this schema'],
  ['$anchor', 'leave it out: a topic schema refers to no other'],
  ['$dynamicAnchor', 'leave it out: a topic schema refers to no other'],
  ['$vocabulary', 'leave it out'],
  ['const', 'write "enum" with the one value'],
  ['default', 'leave it out: a missing value is NULL'],
  ['multipleOf', 'leave it out, or fix the decimals with "x-type": "decimal(p,s)"'],
  ['additionalProperties', OPEN],
  ['unevaluatedProperties', OPEN],
  ['patternProperties', NAMED],
  ['propertyNames', NAMED],
  ['minProperties', 'list what must be there under "required"'],
  ['maxProperties', 'leave it out: further members become columns of Standardized'],
  ['dependentRequired', 'list what must always be there under "required"'],
  ['dependentSchemas', ELSEWHERE],
  ['dependencies', ELSEWHERE],
  ['oneOf', ONE_TYPE],
  ['anyOf', ONE_TYPE],
  ['allOf', 'write the fields out in one place'],
  ['not', 'say what is allowed: enum, pattern, minimum, maximum'],
  ['if', ELSEWHERE],
  ['then', ELSEWHERE],
  ['else', ELSEWHERE],
  ['minItems', ARRAY],
  ['maxItems', ARRAY],
  ['uniqueItems', ARRAY],
  ['prefixItems', ARRAY],
  ['additionalItems', ARRAY],
  ['unevaluatedItems', ARRAY],
  ['contains', ARRAY],
  ['minContains', ARRAY],
  ['maxContains', ARRAY],
  ['contentEncoding', AS_IT_IS],
  ['contentMediaType', AS_IT_IS],
  ['contentSchema', AS_IT_IS],
  ['readOnly', 'leave it out: the pipeline writes what it receives'],
  ['writeOnly', 'leave it out: the pipeline writes what it receives'],
]);

/** Hints for words of other dialects and of wishful thinking that no keyword stands for. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['nullable', 'leave it out: every field but a critical one may be null'],
  ['optional', 'leave it out: a field is optional unless "required" of the object around it lists it'],
  ['x-idempotency-key', KEY],
  ['x-key', KEY],
  ['x-primary-key', KEY],
  ['id', 'leave it out: x-topic and x-version name this schema'],
  ['example', 'write "examples" with a list'],
  ['unit', 'write it into "description"'],
  ['owner', 'write it into "description" or "$comment"'],
  ['precision', 'write "x-type": "decimal(precision,scale)"'],
  ['scale', 'write "x-type": "decimal(precision,scale)"'],
  ['unique', 'leave it out: Curated has one row for each idempotency_key, and no other value is checked to be unique'],
]);

/** The keywords for a text that stand for those for a number. */
const OF_TEXTS: ReadonlyMap<string, string> = new Map([
  ['minimum', 'minLength'],
  ['maximum', 'maxLength'],
]);

/** Hints for enforced words in the wrong place: words of the root in a field, and words of a field at the root. */
const ENFORCED_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...[
    'x-topic',
    'x-version',
    'x-event-time-stable',
    'x-backfill',
    'x-replay-errors',
    'x-breaking',
    'x-breaking-reason',
    '$schema',
  ].map((word) => [word, OF_THE_SCHEMA] as const),
  ['x-event-time', `${OF_THE_SCHEMA}, with the path of this field: "x-event-time": "measured_at"`],
  ...['x-cde', 'x-renamed-from', 'x-type', 'format', ...CONSTRAINT_KEYWORDS, 'items', 'deprecated', 'required'].map(
    (word) => [word, OF_A_FIELD] as const,
  ),
]);

/** The hint for `additionalProperties: false`. */
export const OPEN_HINT = OPEN;
/** The hint for keywords that check the inside of an array. */
export const ARRAY_HINT = ARRAY;

/**
 * The problem with a word that may not stand where it does.
 *
 * @param holder the object in which it stands
 * @param allowed the words that may stand there
 * @param suggest whether to look for the word that is meant
 */
export function strayKeyword(
  name: string,
  holder: JsonObject,
  place: 'schema' | 'items',
  allowed: readonly string[],
  suggest: boolean,
): Omit<SchemaProblem, 'path'> {
  if (name === '$ref') return reference(holder[name]);
  const message = `${shown(name)} is not enforced here`;
  const instead = INSTEAD.get(name);
  if (instead !== undefined) return { code: 'UNENFORCED_KEYWORD', message, hint: instead };
  if (place === 'items' && ENFORCED_ELSEWHERE.has(name)) return { code: 'UNENFORCED_KEYWORD', message, hint: ARRAY };
  const unknown = `${shown(name)} is not a supported keyword`;
  const foreign = FOREIGN.get(name);
  if (foreign !== undefined) return { code: 'UNKNOWN_KEYWORD', message: unknown, hint: foreign };
  const elsewhere = ENFORCED_ELSEWHERE.get(name);
  if (elsewhere !== undefined) {
    return { code: 'MISPLACED_KEYWORD', message: `${shown(name)} is in the wrong place`, hint: elsewhere };
  }
  const meant = (words: readonly string[]) => (suggest ? nearestWord(name, words) : undefined);
  const common = keywordMeantBy(name);
  const written = (holder['type'] === 'string' ? OF_TEXTS.get(common ?? '') : undefined) ?? common;
  const misplaced = written === undefined || allowed.includes(written) ? undefined : ENFORCED_ELSEWHERE.get(written);
  if (misplaced !== undefined && place === 'items') return { code: 'UNKNOWN_KEYWORD', message: unknown, hint: ARRAY };
  if (misplaced !== undefined) {
    return { code: 'UNKNOWN_KEYWORD', message: unknown, hint: `did you mean "${written ?? ''}"? Then ${misplaced}` };
  }
  const nearest = written !== undefined && allowed.includes(written) ? written : meant(allowed);
  const near = nearest ?? meant([...INSTEAD.keys()]);
  return {
    code: 'UNKNOWN_KEYWORD',
    message: unknown,
    hint:
      nearest !== undefined
        ? `did you mean "${nearest}"?`
        : near !== undefined
          ? `it looks like "${near}", which is not enforced either: ${INSTEAD.get(near) ?? ''}`
          : `take it out; supported here: ${allowed.join(', ')}`,
  };
}

function reference(value: unknown): Omit<SchemaProblem, 'path'> {
  const local = typeof value === 'string' && value.startsWith('#');
  return local
    ? { code: 'LOCAL_REF', message: `${shown(value)} is not followed`, hint: STANDS_ALONE }
    : {
        code: 'REMOTE_REF',
        message: `${shown(value)} is never fetched: a schema must not depend on another file`,
        hint: 'copy what it says into this file: a topic schema refers to no other',
      };
}
