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
import { checkSchema } from '../../../src/core/schema/check';
import { topicSchema } from '../../../src/testing';

/** Every keyword of JSON Schema 2020-12, as its own meta-schemas name them. */
const KEYWORDS = [applicator, content, core, formatAnnotation, metaData, unevaluated, validation].flatMap(
  ({ properties }) => Object.keys(properties),
);
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
};
const OF_THE_FILE = ['$schema'];

const check = (field: JsonObject) =>
  checkSchema(JSON.stringify(topicSchema({ properties: { v: field }, required: [] })));

describe('of the keywords of JSON Schema 2020-12', () => {
  it('there are as many as the standard has', () => {
    expect(KEYWORDS.length).toBeGreaterThanOrEqual(55);
    expect(Object.keys(TAKEN).filter((word) => !KEYWORDS.includes(word))).toEqual([]);
  });

  it.each(Object.entries(TAKEN))('%s is taken', (_word, field) => {
    expect(check(field)).toMatchObject({ ok: true });
  });

  it.each(KEYWORDS.filter((word) => !(word in TAKEN) && !OF_THE_FILE.includes(word)))(
    '%s is refused, with what to do, whatever its value and the field',
    (word) => {
      const fields = ['string', 'integer', 'number', 'boolean', 'array'].map((type): JsonObject => ({ type }));
      for (const field of [...fields, { type: 'object', properties: { a: { type: 'string' } } }]) {
        for (const value of [true, false, 1, 'x', ['x'], {}, null]) {
          const result = check({ ...field, [word]: value });
          const found = result.ok ? [] : result.problems.filter(({ path }) => path === `/properties/v/${word}`);
          expect(found).toHaveLength(1);
          expect(found[0]?.code).toMatch(/^(?:UNENFORCED_KEYWORD|REMOTE_REF|LOCAL_REF)$/);
          expect(found[0]?.hint).not.toBe('');
        }
      }
    },
  );
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
