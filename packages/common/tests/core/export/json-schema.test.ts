import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { toJsonSchema } from '../../../src/core/export/json-schema';
import { drawnEvents, drawnSchemas } from './drawn-schemas';

/** A validator that refuses words it does not know, as `strict` has it, or one that ignores them. */
function validator(strictSchema: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    strictSchema,
    allowUnionTypes: true,
    ownProperties: true,
    strictTypes: false,
    strictTuples: false,
  });
  addFormats(ajv);
  return ajv;
}

describe('toJsonSchema', () => {
  it('gives what a strict validator takes, and the verdict of the topic schema on every event', () => {
    fc.assert(
      fc.property(
        drawnSchemas.chain((source) => fc.tuple(fc.constant(source), fc.array(drawnEvents(source.document)))),
        ([source, events]) => {
          const exported = validator(true).compile(JSON.parse(toJsonSchema(source)) as object);
          const own = validator(false).compile(source.document);
          for (const event of events) expect(exported(event)).toBe(own(event));
        },
      ),
      { numRuns: 20 },
    );
  });

  it('leaves out what is no keyword of JSON Schema, and annotations that are not of their type', () => {
    const document = {
      $id: 'https://example.com/a',
      unit: 'm',
      type: 'object',
      deprecated: 'since May',
      properties: { unit: { title: 3, description: 'kept', javaType: 'int' } },
    };
    const exported = toJsonSchema({ text: JSON.stringify(document), document });
    expect(JSON.parse(exported)).toEqual({ type: 'object', properties: { unit: { description: 'kept' } } });
  });

  it('keeps lines, the digits of numbers, and what events name x-…', () => {
    const text =
      '{\n  "type": "object",\n  "x-topic": "a",\n  "properties": {\n    "x-mode": { "maximum": 1.50, "x-cde": true },\n    "y": { "enum": [{ "x-a": 1 }], "items": { "x-b": 1 } }\n  }\n}\n';
    expect(toJsonSchema({ text, document: JSON.parse(text) as Record<string, unknown> })).toBe(
      '{\n  "type": "object",\n  "properties": {\n    "x-mode": { "maximum": 1.50 },\n    "y": { "enum": [{ "x-a": 1 }], "items": {} }\n  }\n}\n',
    );
  });
});
