import type { ErrorObject } from 'ajv/dist/2020.js';
import metaSchema from '../../../../../schemas/meta-schema.json';

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
  ['deprecated', { code: 'INVALID_FLAG', saying: 'is neither true, false nor a text', hint: FLAG }],
  [
    'type/const',
    {
      code: 'ROOT_TYPE',
      saying: 'cannot be the type of a payload with properties',
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
      saying: 'has more than 10000 values',
      hint: 'use pattern, or check the values where they are used',
    },
  ],
  ['enum/type', { code: 'INVALID_ENUM', saying: 'is not a list of values', hint: 'write "enum": ["on", "off"]' }],
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
      saying: 'has more than 65536 characters',
      hint: 'shorten it, or move it to a page of its own',
    },
  ],
  ['$count', LENGTH],
  ...['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((word): [string, Advice] => [
    word,
    { code: 'INVALID_SCHEMAS', saying: 'is not a list of schemas', hint: `write "${word}": [ { … }, { … } ]` },
  ]),
  ...['minItems', 'maxItems', 'minContains', 'maxContains', 'minProperties', 'maxProperties'].map(
    (word): [string, Advice] => [
      word,
      {
        code: 'INVALID_COUNT',
        saying: 'is not a number of members',
        hint: 'write a whole number from 0 to 2147483647, without quotes',
      },
    ],
  ),
  ['uniqueItems', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  ['x-flatten', { code: 'INVALID_FLAG', saying: 'is neither true nor false', hint: FLAG }],
  [
    'multipleOf',
    { code: 'INVALID_BOUND', saying: 'is not a number above 0', hint: 'write a number above 0, without quotes' },
  ],
  ...['patternProperties', 'dependentSchemas', '$defs'].map((word): [string, Advice] => [
    word,
    { code: 'INVALID_SCHEMAS', saying: 'is not an object of schemas', hint: `write "${word}": { "…": { … } }` },
  ]),
  [
    'dependentRequired',
    {
      code: 'INVALID_REQUIRED',
      saying: 'is not an object of lists of names',
      hint: 'write "dependentRequired": { "unit": ["value"] }',
    },
  ],
  ['$ref', { code: 'INVALID_REF', saying: 'is not a reference', hint: 'write "$ref": "#/$defs/name"' }],
  [
    'x-time-zone',
    {
      code: 'INVALID_TIME_ZONE',
      saying: 'is not the name of a time zone',
      hint: 'write a name of the IANA database: "Europe/Berlin"',
    },
  ],
  [
    'x-time-forms',
    { code: 'INVALID_CHOICE', saying: 'is no way to read times', hint: 'write "lenient", or leave it out' },
  ],
  [
    'x-undeclared',
    { code: 'INVALID_CHOICE', saying: 'says not what becomes of rows', hint: 'write "record", "note" or "reject"' },
  ],
  [
    'x-not-enforced',
    {
      code: 'INVALID_NOT_ENFORCED',
      saying: 'is not a list of words',
      hint: 'write "x-not-enforced": ["unevaluatedProperties"]',
    },
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
  ['$field/type', { code: 'INVALID_FIELD', saying: 'describes no field', hint: 'write { "type": "string" }' }],
]);

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
