/** The words of JSON Schema 2020-12 by what they apply to, and where subschemas stand. */

import type { JsonObject } from '../json/value';

/** The JSON types that a value of a payload can have where it counts: null counts as absent. */
export const JSON_TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

export const STRING_WORDS = ['minLength', 'maxLength', 'pattern', 'format'] as const;
export const NUMBER_WORDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'] as const;
export const ARRAY_WORDS = [
  'minItems',
  'maxItems',
  'uniqueItems',
  'items',
  'prefixItems',
  'contains',
  'minContains',
  'maxContains',
] as const;
export const OBJECT_WORDS = [
  'properties',
  'required',
  'patternProperties',
  'additionalProperties',
  'propertyNames',
  'minProperties',
  'maxProperties',
  'dependentRequired',
  'dependentSchemas',
] as const;
/** Words that judge a value of any type by subschemas. */
export const IN_PLACE_WORDS = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else'] as const;

/** The words that say something only about values of one type. */
export const WORDS_OF_TYPE: ReadonlyMap<string, 'string' | 'number' | 'array' | 'object'> = new Map([
  ...STRING_WORDS.map((word) => [word, 'string'] as const),
  ...NUMBER_WORDS.map((word) => [word, 'number'] as const),
  ...ARRAY_WORDS.map((word) => [word, 'array'] as const),
  ...OBJECT_WORDS.map((word) => [word, 'object'] as const),
]);

/** Words whose value is one subschema, a list of them, or an object of them by name. */
export const SCHEMA_IN: ReadonlySet<string> = new Set([
  'items',
  'contains',
  'additionalProperties',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contentSchema',
]);
export const SCHEMAS_IN_LIST: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
export const SCHEMAS_BY_NAME: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
]);

/** Words that assert something that neither columns nor the text of a value can be judged by. */
export const NEVER_ENFORCED: ReadonlySet<string> = new Set(['$dynamicRef', '$recursiveRef']);

/** Words that count what the words beside them have judged. They are enforced where other words say the same. */
export const UNEVALUATED: ReadonlySet<string> = new Set(['unevaluatedProperties', 'unevaluatedItems']);

/** The formats that values are judged by; schemas/formats.json has what each means. */
export const FORMATS = [
  'date-time',
  'date',
  'time',
  'duration',
  'uuid',
  'uri',
  'uri-reference',
  'email',
  'ipv4',
  'ipv6',
  'hostname',
  'json-pointer',
] as const;
const FORMAT_WORDS: ReadonlySet<unknown> = new Set(FORMATS);

export function isEnforcedFormat(format: unknown): boolean {
  return FORMAT_WORDS.has(format);
}

/** The words of ours that stand in a field. The outermost of several schemas that describe it says what each is. */
export const FIELD_WORDS: ReadonlySet<string> = new Set([
  'x-cde',
  'x-type',
  'x-time-zone',
  'x-time-forms',
  'x-renamed-from',
  'x-flatten',
  'x-not-enforced',
]);

/** The words of ours that stand at the top of a file. */
export const ROOT_WORDS: ReadonlySet<string> = new Set([
  'x-topic',
  'x-version',
  'x-event-time',
  'x-event-time-stable',
  'x-backfill',
  'x-replay-errors',
  'x-breaking',
  'x-breaking-reason',
  'x-undeclared',
]);

/** A schema without some of its words. */
export function without(schema: JsonObject, ...words: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([word]) => !words.includes(word)));
}
