import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import applicator from 'ajv/dist/refs/json-schema-2020-12/meta/applicator.json';
import content from 'ajv/dist/refs/json-schema-2020-12/meta/content.json';
import core from 'ajv/dist/refs/json-schema-2020-12/meta/core.json';
import formatAnnotation from 'ajv/dist/refs/json-schema-2020-12/meta/format-annotation.json';
import metaData from 'ajv/dist/refs/json-schema-2020-12/meta/meta-data.json';
import unevaluated from 'ajv/dist/refs/json-schema-2020-12/meta/unevaluated.json';
import validation from 'ajv/dist/refs/json-schema-2020-12/meta/validation.json';
import metaSchema from '../../../../../schemas/meta-schema.json';
import type { JsonObject } from '../../../src/core/json/value';
import { IN_PLACE_WORDS, without, WORDS_OF_TYPE } from '../../../src/core/keywords/words';
import { checkSchema } from '../../../src/core/composition/check';
import { topicSchema } from '../../../src/testing';

/** Every keyword of JSON Schema 2020-12, as its own meta-schemas name them. */
const KEYWORDS = [applicator, content, core, formatAnnotation, metaData, unevaluated, validation].flatMap(
  ({ properties }) => Object.keys(properties),
);
/** The words beside those of one type that values are judged by. */
const JUDGING: readonly string[] = ['type', 'enum', 'const', ...IN_PLACE_WORDS];
/** The keywords that a field may have, each in a field of a type that it goes with. */
const TAKEN: Readonly<Record<string, JsonObject>> = {
  $comment: { type: 'string', $comment: 'x' },
  title: { type: 'string', title: 'x' },
  description: { type: 'string', description: 'x' },
  examples: { type: 'string', examples: ['x'] },
  deprecated: { type: 'string', deprecated: true },
  type: { type: 'boolean' },
  format: { type: 'string', format: 'date' },
  enum: { type: 'string', enum: ['x'] },
  minLength: { type: 'string', minLength: 1 },
  maxLength: { type: 'string', maxLength: 1 },
  pattern: { type: 'string', pattern: '^x' },
  minimum: { type: 'integer', minimum: 1 },
  maximum: { type: 'integer', maximum: 1 },
  exclusiveMinimum: { type: 'integer', exclusiveMinimum: 1 },
  exclusiveMaximum: { type: 'integer', exclusiveMaximum: 3 },
  properties: { type: 'object', properties: { a: { type: 'string' } } },
  required: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
  additionalProperties: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true },
  items: { type: 'array', items: { type: 'string' } },
  prefixItems: { type: 'array', prefixItems: [{ type: 'string' }] },
  contains: { type: 'array', contains: { const: 1 } },
  minContains: { type: 'array', contains: { const: 1 }, minContains: 2 },
  maxContains: { type: 'array', contains: { const: 1 }, maxContains: 2 },
  minItems: { type: 'array', minItems: 1 },
  maxItems: { type: 'array', maxItems: 3 },
  uniqueItems: { type: 'array', uniqueItems: true },
  const: { type: 'string', const: 'x' },
  multipleOf: { type: 'number', multipleOf: 0.5 },
  patternProperties: { type: 'object', patternProperties: { '^a': { type: 'string' } } },
  propertyNames: { type: 'object', propertyNames: { maxLength: 3 } },
  minProperties: { type: 'object', minProperties: 1 },
  maxProperties: { type: 'object', maxProperties: 3 },
  dependentRequired: { type: 'object', dependentRequired: { a: ['b'] } },
  dependentSchemas: { type: 'object', dependentSchemas: { a: { required: ['b'] } } },
  allOf: { type: 'array', allOf: [{ contains: { const: 1 } }, { contains: { const: 2 } }] },
  anyOf: { type: 'array', anyOf: [{ minItems: 3 }, { maxItems: 1 }] },
  oneOf: { type: 'array', oneOf: [{ minItems: 3 }, { maxItems: 1 }] },
  not: { type: 'integer', not: { const: 3 } },
  if: { type: 'integer', if: { minimum: 3 }, then: { maximum: 9 } },
  then: { type: 'integer', if: { minimum: 3 }, then: { maximum: 9 } },
  else: { type: 'integer', if: { minimum: 3 }, else: { maximum: 0 } },
  $ref: { $ref: '#/$defs/text' },
  $defs: { type: 'string', $defs: { a: { type: 'string' } } },
};
/** The keywords that mean nothing here, or nothing any more once references are followed. They are taken with any value of their kind. */
const SAY_NOTHING: Readonly<Record<string, unknown>> = {
  $id: 'https://example.com/v',
  $anchor: 'v',
  $dynamicAnchor: 'v',
  $vocabulary: {},
  default: 'x',
  readOnly: true,
  writeOnly: true,
  contentEncoding: 'base64',
  contentMediaType: 'application/json',
  contentSchema: { type: 'string' },
};
/** The keywords that nothing enforces, each beside what keeps it from being another word. */
const REFUSED: Readonly<Record<string, JsonObject>> = {
  unevaluatedProperties: { type: 'object', anyOf: [{ required: ['a'] }], unevaluatedProperties: false },
  unevaluatedItems: { type: 'array', contains: { const: 1 }, unevaluatedItems: false },
  $dynamicRef: {
    $dynamicRef: '#v',
    $defs: { own: { $dynamicAnchor: 'v', type: 'string' }, other: { $id: 'other', $dynamicAnchor: 'v' } },
  },
};
const OF_THE_FILE = ['$schema'];

const check = (field: JsonObject) =>
  checkSchema(
    JSON.stringify(topicSchema({ properties: { v: field }, required: [], $defs: { text: { type: 'string' } } })),
  );

describe('of the keywords of JSON Schema 2020-12', () => {
  it('there are as many as the standard has, and each of them is taken, says nothing, or is refused', () => {
    expect(KEYWORDS.length).toBeGreaterThanOrEqual(55);
    const known = [...Object.keys(TAKEN), ...Object.keys(SAY_NOTHING), ...Object.keys(REFUSED), ...OF_THE_FILE];
    expect([...known].sort()).toEqual([...KEYWORDS].sort());
  });

  it.each(Object.entries(TAKEN))('%s is taken, without a warning', (_word, field) => {
    expect(check(field)).toMatchObject({ ok: true, warnings: [] });
  });

  it.each(Object.entries(TAKEN).filter(([word]) => WORDS_OF_TYPE.has(word) || JUDGING.includes(word)))(
    '%s judges values: it is in the normal form, or in what its branches are merged into',
    (word, field) => {
      const [judged, free] = [check(field), check(without(field, word))];
      expect(judged.ok && free.ok && judged.text).not.toBe(free.ok && free.text);
    },
  );

  it.each(Object.entries(SAY_NOTHING))('%s is taken, and no value is judged by it', (word, value) => {
    const [beside, alone] = [check({ type: 'string', [word]: value }), check({ type: 'string' })];
    expect(beside).toMatchObject({ ok: true, warnings: [] });
    expect(beside.ok && beside.schema.columns).toEqual(alone.ok && alone.schema.columns);
  });

  it.each(Object.entries(REFUSED))('%s is refused, with the line to add, and taken with it', (word, field) => {
    const result = check(field);
    const found = result.ok ? [] : result.problems.filter(({ path }) => path === `/properties/v/${word}`);
    expect(found).toMatchObject([
      { code: 'UNENFORCED_KEYWORD', hint: expect.stringContaining(`"x-not-enforced": ["${word}"]`) },
    ]);
    expect(check({ ...field, 'x-not-enforced': [word] })).toMatchObject({
      ok: true,
      warnings: expect.arrayContaining([
        expect.objectContaining({ code: 'NOT_ENFORCED', path: `/properties/v/${word}` }),
      ]) as unknown,
    });
  });
});

describe('schemas/meta-schema.json', () => {
  it('is itself valid JSON Schema 2020-12, in the strictest reading', () => {
    const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
    expect(ajv.validateSchema(metaSchema)).toBe(true);
    expect(() => ajv.compile(metaSchema)).not.toThrow();
  });

  it('tells an editor what each word means', () => {
    const { properties, $defs } = metaSchema;
    const say = (all: object) =>
      Object.entries(all as Record<string, JsonObject>).flatMap(([word, schema]) => {
        const target = (schema['$ref'] as string | undefined)?.replace('#/$defs/', '') as keyof typeof $defs;
        const description = schema['description'] ?? ($defs[target] as JsonObject | undefined)?.['description'];
        return typeof description === 'string' ? [] : [word];
      });
    expect([...say(properties), ...say($defs.field.properties)]).toEqual([]);
  });
});
