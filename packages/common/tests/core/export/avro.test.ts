import { describe, expect, it } from '@jest/globals';
import { Type, type Schema } from 'avsc';
import fc from 'fast-check';
import { toAvro } from '../../../src/core/export/avro';
import { readTopicSchema } from '../../../src/core/schema/model';
import type { JsonObject } from '../../../src/core/json/value';
import type { TopicName } from '../../../src/core/topic';
import { drawnSchemas } from './drawn-schemas';

const topic = 'tank.level' as TopicName;

function avroOf(properties: JsonObject, more: JsonObject = {}): JsonObject {
  const document = { 'x-topic': topic, 'x-version': 2, type: 'object', properties, ...more };
  const text = JSON.stringify(document);
  return toAvro({
    topic,
    text,
    document,
    schema: readTopicSchema(text, document),
    lake: { databasePrefix: 'lean', bucket: 'lake' },
  });
}

describe('toAvro', () => {
  it('gives what a reader of Avro takes, whatever the members are called, and writes a row without its fields', () => {
    fc.assert(
      fc.property(drawnSchemas, (source) => {
        const type = Type.forSchema(toAvro(source) as unknown as Schema);
        const sample = type.random();
        expect(type.isValid(type.fromBuffer(type.toBuffer(sample)))).toBe(true);
      }),
    );
  });

  it('has a type for each column', () => {
    const types = (
      avroOf({
        text: { type: 'string', 'x-cde': true },
        id: { type: 'string', format: 'uuid', 'x-cde': true },
        at: { type: 'string', format: 'date-time', 'x-cde': true },
        day: { type: 'string', format: 'date', 'x-cde': true },
        big: { type: 'integer', 'x-cde': true },
        small: { type: 'integer', 'x-type': 'int', 'x-cde': true },
        money: { type: 'number', 'x-type': 'decimal(10,2)', 'x-cde': true },
        share: { type: 'number', 'x-type': 'float', 'x-cde': true },
        exact: { type: 'number', 'x-cde': true },
        on: { type: 'boolean', 'x-cde': true },
        list: { type: 'array', 'x-cde': true },
      })['fields'] as { type: unknown }[]
    ).map(({ type }) => type);
    expect(types).toEqual([
      'string',
      { type: 'string', logicalType: 'uuid' },
      { type: 'long', logicalType: 'timestamp-micros' },
      { type: 'int', logicalType: 'date' },
      'long',
      'int',
      { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 },
      'float',
      'double',
      'boolean',
      'string',
    ]);
  });

  it('takes null for what a row may lack, and says how JSON spells a name that Avro does not take', () => {
    expect(
      avroOf({
        'a b': { type: 'string', description: 'First.' },
        a_b: { type: 'object', properties: { key: { type: 'integer', 'x-cde': true } } },
      })['fields'],
    ).toEqual([
      {
        name: 'a_b',
        doc: 'First. JSON spells it "a b".',
        'x-json-name': 'a b',
        type: ['null', 'string'],
        default: null,
      },
      {
        name: 'a_b_2',
        doc: 'JSON spells it "a_b".',
        'x-json-name': 'a_b',
        type: { type: 'record', name: 'a_b', 'x-path': 'a_b', fields: [{ name: 'key', type: 'long' }] },
      },
    ]);
  });
});
