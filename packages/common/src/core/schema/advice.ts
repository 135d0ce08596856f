import type { ErrorObject } from 'ajv/dist/2020.js';
import metaSchema from '../../../../../schemas/meta-schema.json';
import { ARRAY_HINT, OPEN_HINT } from './keyword-advice';

/** The code and hint for a value that the meta-schema refuses. */
export interface Advice {
  readonly code: string;
  readonly hint: string;
  /** The words that follow the value in the message; ajv's own where absent. */
  readonly saying?: string;
}

const TEXT = { code: 'INVALID_TEXT', saying: 'is not a string', hint: 'write a text in double quotes' };
const BOUND = { code: 'INVALID_BOUND', saying: 'is not a number', hint: 'write a number, without quotes' };
const LENGTH = {
  code: 'INVALID_LENGTH',
  saying: 'is not a number of characters',
  hint: 'write a whole number from 0 to 2147483647, without quotes',
};
const FLAG = 'write true or false, without quotes';
const NAMES = 'write a list of member names: "required": ["device_id"]';

/**
 * Advice by `place/keyword`, and by `place` for all other keywords. A place is the word of a topic schema whose value
 * is wrong, or a `$definition` of the meta-schema.
 */
const ADVICE: ReadonlyMap<string, Advice> = new Map<string, Advice>([
  [
    '$schema',
    {
      code: 'UNSUPPORTED_DIALECT',
      saying: 'is not a supported dialect',
      hint: 'write "$schema": "https://json-schema.org/draft/2020-12/schema"',
    },
  ],
  [
    'x-topic',
    {
      code: 'INVALID_TOPIC',
      saying: 'is not a topic name',
      hint: "1 to 128 characters: a-z first, then a-z, 0-9, '.', '_' or '-'",
    },
  ],
  [
    'x-version',
    {
      code: 'INVALID_VERSION',
      saying: 'is not a version',
      hint: 'write a whole number, 1 for the first version and one more for each change, without quotes',
    },
  ],
  [
    'x-event-time/type',
    {
      code: 'INVALID_EVENT_TIME',
      saying: 'is not the path of a field',
      hint: 'write the path of one field as a string: "x-event-time": "measured_at"',
    },
  ],
  [
    'x-event-time/minLength',
    {
      code: 'EVENT_TIME_EMPTY',
      saying: 'names no field',
      hint: 'name the field that says when it happened: "x-event-time": "measured_at", or leave it out',
    },
  ],
  ['x-breaking', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  [
    'x-breaking-reason',
    {
      code: 'INVALID_BREAKING_REASON',
      saying: 'says no reason',
      hint: 'write why this version breaks the one before it, in 1 to 500 characters',
    },
  ],
  [
    'x-renamed-from',
    {
      code: 'INVALID_RENAMED_FROM',
      saying: 'is neither a path nor a list of one to ten',
      hint: 'write the path that the field had: "x-renamed-from": "temperature", or a list of them, the newest first',
    },
  ],
  ['x-backfill', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  ['x-replay-errors', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  ['x-event-time-stable', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  ['x-cde', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  ['deprecated', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  [
    'type/const',
    {
      code: 'ROOT_TYPE',
      saying: 'cannot be the type of a payload',
      hint: 'write "type": "object": the schema describes the members of the payload',
    },
  ],
  ['type', { code: 'UNSUPPORTED_TYPE', saying: 'is not a supported type', hint: '' }],
  ['format', { code: 'UNSUPPORTED_FORMAT', saying: 'is not a supported format', hint: '' }],
  ['x-type', { code: 'UNSUPPORTED_X_TYPE', saying: 'is not an x-type for this field', hint: '' }],
  ['examples', { code: 'INVALID_EXAMPLES', saying: 'is not a list', hint: 'write "examples": [ … ]' }],
  [
    'enum/minItems',
    { code: 'ENUM_EMPTY', saying: 'allows no value', hint: 'list the allowed values, or leave it out' },
  ],
  [
    'enum/maxItems',
    {
      code: 'ENUM_TOO_LONG',
      saying: 'has more than 1000 values',
      hint: 'use pattern, or check the values where they are used',
    },
  ],
  ['enum/type', { code: 'INVALID_ENUM', saying: 'is not a list of values', hint: 'write "enum": ["on", "off"]' }],
  [
    'enum/items/type',
    {
      code: 'ENUM_VALUE_TYPE',
      saying: "is not of the field's type",
      hint: 'list strings for a string and whole numbers for an integer; null is always allowed where x-cde is not set',
    },
  ],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((word): [string, Advice] => [word, BOUND]),
  [
    'pattern/type',
    { code: 'PATTERN_INVALID', saying: 'is not a pattern', hint: 'write a regular expression as a string' },
  ],
  [
    'pattern/minLength',
    { code: 'PATTERN_EMPTY', saying: 'matches everything', hint: 'leave it out, or use minLength' },
  ],
  [
    'pattern/maxLength',
    {
      code: 'PATTERN_TOO_LONG',
      saying: 'has more than 512 characters',
      hint: 'shorten it, use enum, or check the values where they are used',
    },
  ],
  ['$text/type', TEXT],
  [
    '$text/maxLength',
    {
      code: 'TEXT_TOO_LONG',
      saying: 'has more than 4096 characters',
      hint: 'shorten it, or move it to a page of its own',
    },
  ],
  ['$count', LENGTH],
  [
    '$open',
    { code: 'UNENFORCED_KEYWORD', saying: 'is not enforced: further members are always allowed', hint: OPEN_HINT },
  ],
  ['$names', { code: 'INVALID_REQUIRED', saying: 'is not a list of names', hint: NAMES }],
  ['$names/items/type', { code: 'INVALID_REQUIRED', saying: 'is not a name', hint: NAMES }],
  [
    '$fields/type',
    {
      code: 'INVALID_PROPERTIES',
      saying: 'is not an object of fields',
      hint: 'write "properties": { "device_id": { "type": "string" } }',
    },
  ],
  ['$fields/minProperties', { code: 'NO_FIELDS', saying: 'names no field', hint: 'describe at least one field' }],
  ['$field/type', { code: 'INVALID_FIELD', saying: 'describes no field', hint: 'write { "type": "string" }' }],
  [
    '$documentation/type',
    {
      code: 'INVALID_ITEMS',
      saying: 'does not describe an element',
      hint: `write "items": { "type": "string" }, or ${ARRAY_HINT}`,
    },
  ],
]);

/** Hints for words that are missing. */
export const HOW_TO_ADD: Readonly<Record<string, string>> = {
  $schema: 'add "$schema": "https://json-schema.org/draft/2020-12/schema"',
  'x-topic': 'add "x-topic": the name of the folder the file lies in',
  'x-version': 'add "x-version": 1, and one more with every change',
  properties: 'list the members: "properties": { "device_id": { "type": "string" } }',
};
export const HOW_TO_ADD_TYPE = {
  root: 'add "type": "object"',
  field: 'add "type": one of string, integer, number, boolean, object, array',
} as const;

/**
 * Names of the meta-schema's definitions, by the definition: ajv's errors give no path to one that refers to itself.
 */
const DEFINITIONS: ReadonlyMap<unknown, string> = new Map(
  Object.entries(metaSchema.$defs).map(([name, definition]) => [definition, `$${name}`]),
);

export type ErrorPlace = Pick<ErrorObject, 'schemaPath' | 'keyword' | 'parentSchema'>;

/**
 * The definition that directly holds the keyword of ajv's error: `$field`, `$documentation` … ajv must run `verbose`.
 */
export function definitionOf({ parentSchema }: ErrorPlace): string | undefined {
  return DEFINITIONS.get(parentSchema);
}

/** The advice for ajv's error; undefined where there is none for its place. */
export function adviceFor(error: ErrorPlace): Advice | undefined {
  const { schemaPath, keyword } = error;
  if (schemaPath.endsWith('/$defs/names/items/type')) return ADVICE.get('$names/items/type');
  const definition = definitionOf(error);
  if (definition !== undefined) return ADVICE.get(`${definition}/${keyword}`) ?? ADVICE.get(definition);
  const [, word = '', inside = keyword] = /\/properties\/([^/]+)\/((?:items\/)?\w+)$/.exec(schemaPath) ?? [];
  const place = decodeURIComponent(word);
  return ADVICE.get(`${place}/${inside}`) ?? ADVICE.get(place);
}
