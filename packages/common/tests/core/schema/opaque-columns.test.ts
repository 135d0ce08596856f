/** tests/glue/bookkeeping/test_opaque_columns.py holds the job to the same vectors. */
import { describe, expect, it } from '@jest/globals';
import { MAX_OPAQUE_BYTES, opaqueAttribute, opaqueColumns, readTopicSchema, type JsonObject } from '../../../src/core';
import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Vector {
  readonly name: string;
  readonly properties: JsonObject;
  readonly columns: readonly string[];
}

const VECTORS = JSON.parse(
  readFileSync(path.resolve(__dirname, '../../../../../tests/conformance/opaque_columns.json'), 'utf8'),
) as Vector[];

function schemaOf(properties: JsonObject) {
  const document = { 'x-topic': 'telemetry.climate', 'x-version': 1, type: 'object', properties };
  return readTopicSchema(JSON.stringify(document), document);
}

it.each(VECTORS)('finds the opaque columns: $name', ({ properties, columns }) => {
  const schema = schemaOf(properties);
  expect(opaqueColumns(schema)).toEqual(columns);
  expect(opaqueAttribute(schema)).toEqual(columns.length === 0 ? undefined : columns);
});

describe('a schema with opaque fields', () => {
  const { columns, objects } = schemaOf(VECTORS[2]?.properties ?? {});

  it('has a column of text for each, and none for what lies within', () => {
    expect(columns.map(({ column, athenaType }) => [column, athenaType])).toEqual([
      ['meta__raw_data', 'string'],
      ['meta__n', 'bigint'],
    ]);
    expect(objects.map(({ column }) => column)).toEqual(['meta']);
  });

  it('fits the item of DynamoDB, however many and long its names are', () => {
    const named = (count: number) =>
      schemaOf(
        Object.fromEntries(
          Array.from({ length: count }, (_, n) => [
            `${n}`.padStart(4, 'a').padEnd(200, 'x'),
            { type: 'object', 'x-flatten': false },
          ]),
        ),
      );
    const most = MAX_OPAQUE_BYTES / 200;
    expect(opaqueAttribute(named(most))).toHaveLength(most);
    expect(opaqueAttribute(named(most + 1))).toBe('IN_SCHEMA');
  });
});
