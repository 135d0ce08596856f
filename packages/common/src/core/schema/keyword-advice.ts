import { keywordMeantBy } from '../dialects/also-written';
import { nearestWord } from '../json/nearest-word';
import { FIELD_WORDS, IN_PLACE_WORDS, ROOT_WORDS, WORDS_OF_TYPE } from '../keywords/words';
import type { JsonObject } from '../json/value';
import { shown, type SchemaProblem } from '../problem';

const KEY =
  "leave it out: a record's key is the idempotency_key that the producer puts in the envelope, and a schema cannot name another";
const OF_A_FIELD = 'move it into the field it is about, under "properties"';
const OF_THE_SCHEMA = 'move it to the top of the file';

/** Hints for words of other dialects and of wishful thinking that no keyword stands for. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['x-idempotency-key', KEY],
  ['x-key', KEY],
  ['x-primary-key', KEY],
  ['precision', 'write "x-type": "decimal(precision,scale)"'],
  ['scale', 'write "x-type": "decimal(precision,scale)"'],
  ['unique', 'leave it out: Curated has one row for each idempotency_key, and no other value is checked to be unique'],
]);

/** The keywords for a text that stand for those for a number. */
const OF_TEXTS: ReadonlyMap<string, string> = new Map([
  ['minimum', 'minLength'],
  ['maximum', 'maxLength'],
]);

/** Hints for words of ours in the wrong place: words of the root in a field, and words of a field at the root. */
const ENFORCED_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...[...ROOT_WORDS].map((word) => [word, OF_THE_SCHEMA] as const),
  ['x-event-time', `${OF_THE_SCHEMA}, with the path of this field: "x-event-time": "measured_at"`],
  ...['x-renamed-from', 'x-type', 'x-time-zone', 'x-time-forms'].map((word) => [word, OF_A_FIELD] as const),
]);

/** Every word that a schema may have, at the top of a file and in a field. */
const ALLOWED: readonly string[] = [
  'type',
  'enum',
  'const',
  'title',
  'description',
  'deprecated',
  ...WORDS_OF_TYPE.keys(),
  ...IN_PLACE_WORDS,
  ...ROOT_WORDS,
  ...FIELD_WORDS,
];

/**
 * The problem with a word that may not stand where it does.
 *
 * @param holder the object in which it stands
 * @param suggest whether to look for the word that is meant
 */
export function strayKeyword(name: string, holder: JsonObject, suggest: boolean): Omit<SchemaProblem, 'path'> {
  const unknown = `${shown(name)} is not a supported keyword`;
  const foreign = FOREIGN.get(name);
  if (foreign !== undefined) return { code: 'UNKNOWN_KEYWORD', message: unknown, hint: foreign };
  const elsewhere = ENFORCED_ELSEWHERE.get(name);
  if (elsewhere !== undefined) {
    return { code: 'MISPLACED_KEYWORD', message: `${shown(name)} is in the wrong place`, hint: elsewhere };
  }
  const common = keywordMeantBy(name);
  const written = (holder['type'] === 'string' ? OF_TEXTS.get(common ?? '') : undefined) ?? common;
  const misplaced = written === undefined || isField(holder) ? undefined : ENFORCED_ELSEWHERE.get(written);
  if (misplaced !== undefined) {
    return { code: 'UNKNOWN_KEYWORD', message: unknown, hint: `did you mean "${written ?? ''}"? Then ${misplaced}` };
  }
  const nearest = written ?? (suggest ? nearestWord(name, ALLOWED) : undefined);
  return {
    code: 'UNKNOWN_KEYWORD',
    message: unknown,
    hint: nearest === undefined ? 'take it out: nothing stands for it' : `did you mean "${nearest}"?`,
  };
}

/** Whether an object of the file is no file of its own. */
function isField(holder: JsonObject): boolean {
  return !Object.hasOwn(holder, 'x-topic') && !Object.hasOwn(holder, 'x-version');
}
