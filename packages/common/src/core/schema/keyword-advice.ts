import { nearestWord } from '../json/nearest-word';
import { CONSTRAINT_KEYWORDS } from './model';
import { shown, type SchemaProblem } from '../problem';

const STANDS_ALONE = 'write the fields out where they are used: a topic schema stands alone';
const ARRAY = 'leave it out: arrays are kept as JSON text and not checked inside';
const NAMED = 'name each field under "properties"';
const OPEN = 'leave it out: a new member becomes a column of Standardized and a line in drift_log';
const ONE_TYPE = 'one field has one type: give each form a field or a topic of its own';
const ELSEWHERE = 'split the topic, or check it where the data is used';
const AS_IT_IS = 'leave it out: a string is kept as it is';
const OF_A_FIELD = 'write it into the field it is about, under "properties"';
const OF_THE_SCHEMA = 'write it once, at the top of the file';
const KEY =
  "leave it out: a record's key is idempotency_key in the envelope of its messages, which the producer sets; a schema cannot name another";

/** Hints for the keywords of JSON Schema that the pipeline does not enforce. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['$dynamicRef', STANDS_ALONE],
  ['$recursiveRef', STANDS_ALONE],
  ['$defs', STANDS_ALONE],
  ['definitions', STANDS_ALONE],
  ['$id', 'leave it out: x-topic and x-version name this schema'],
  ['$anchor', 'leave it out: a topic schema stands alone'],
  ['$dynamicAnchor', 'leave it out: a topic schema stands alone'],
  ['$vocabulary', 'leave it out'],
  ['const', 'write "enum" with the one value'],
  ['default', 'leave it out: a missing value is NULL, and no value is ever made up'],
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

/** Hints for words of other dialects and of wishful thinking, to which no spelling is near. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['nullable', 'leave it out: every field but a critical one may be null'],
  ['optional', 'leave it out: a field is optional unless "required" of the object around it lists it'],
  ['x-idempotency-key', KEY],
  ['x-key', KEY],
  ['x-primary-key', KEY],
  ['id', 'leave it out: x-topic and x-version name this schema'],
  ['example', 'write "examples" with a list'],
]);

/** Hints for enforced words in the wrong place: words of the root in a field, and words of a field at the root. */
const ENFORCED_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...['x-topic', 'x-version', 'x-event-time-stable', 'x-backfill', '$schema'].map(
    (word) => [word, OF_THE_SCHEMA] as const,
  ),
  ['x-event-time', `${OF_THE_SCHEMA}, with the path of this field: "x-event-time": "measured_at"`],
  ...['x-cde', 'x-type', 'format', ...CONSTRAINT_KEYWORDS, 'items', 'deprecated', 'required'].map(
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
 * @param allowed the words that may stand there
 * @param suggest whether to look for the word that is meant
 */
export function strayKeyword(
  name: string,
  value: unknown,
  place: 'schema' | 'items',
  allowed: readonly string[],
  suggest: boolean,
): Omit<SchemaProblem, 'path'> {
  if (name === '$ref') return reference(value);
  const message = `${shown(name)} is not enforced here`;
  const instead = INSTEAD.get(name);
  if (instead !== undefined) return { code: 'UNENFORCED_KEYWORD', message, hint: instead };
  if (place === 'items' && ENFORCED_ELSEWHERE.has(name)) return { code: 'UNENFORCED_KEYWORD', message, hint: ARRAY };
  const unknown = `${shown(name)} is no word of a topic schema`;
  const foreign = FOREIGN.get(name);
  if (foreign !== undefined) return { code: 'UNKNOWN_KEYWORD', message: unknown, hint: foreign };
  const elsewhere = ENFORCED_ELSEWHERE.get(name);
  if (elsewhere !== undefined) {
    return { code: 'MISPLACED_KEYWORD', message: `${shown(name)} does not belong here`, hint: elsewhere };
  }
  const meant = (words: readonly string[]) => (suggest ? nearestWord(name, words) : undefined);
  const nearest = meant(allowed);
  const near = nearest ?? meant([...INSTEAD.keys()]);
  return {
    code: 'UNKNOWN_KEYWORD',
    message: unknown,
    hint:
      nearest !== undefined
        ? `did you mean "${nearest}"?`
        : near !== undefined
          ? `it reads like "${near}", which is not enforced either: ${INSTEAD.get(near) ?? ''}`
          : `take it out; the words that may stand here: ${allowed.join(', ')}`,
  };
}

function reference(value: unknown): Omit<SchemaProblem, 'path'> {
  const local = typeof value === 'string' && value.startsWith('#');
  return local
    ? { code: 'LOCAL_REF', message: `${shown(value)} is not followed`, hint: STANDS_ALONE }
    : {
        code: 'REMOTE_REF',
        message: `${shown(value)} is never fetched: a schema may not depend on another file`,
        hint: `copy what it says into this file: ${STANDS_ALONE}`,
      };
}
