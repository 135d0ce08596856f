import { describe, expect, it } from '@jest/globals';
import {
  compareSchemas,
  readTopicSchema,
  type JsonObject,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';
import { opaqueNote } from '../src/upload/opaque-note';
import type { MergePreview } from '../src/schemas/merge-preview';

const TOPIC = 'telemetry.climate' as TopicName;
const LAKE = { databasePrefix: 'lean_ops', bucket: 'lake' };
const KEPT = { type: 'object', 'x-flatten': false };

function version(number: number, properties: JsonObject): TopicSchema {
  const document = { 'x-topic': TOPIC, 'x-version': number, type: 'object', properties };
  return readTopicSchema(JSON.stringify(document), document);
}

function changed(before: TopicSchema, schema: TopicSchema): MergePreview {
  return { status: 'changed', schema, before, ...compareSchemas(before, schema), statements: [] };
}

const added = (schema: TopicSchema): MergePreview => ({
  status: 'added',
  schema,
  statements: [],
  baseUnreadable: false,
});

/** The note where Standardized has these columns. */
function note(preview: MergePreview, ...columns: string[]): Promise<string[]> {
  const getTable = (database: string, table: string) =>
    Promise.resolve(
      database === 'lean_ops_standardized' && table === 'telemetry_climate'
        ? { columns: columns.map((name) => ({ name, type: 'string' })), metadataLocation: undefined }
        : undefined,
    );
  return opaqueNote(TOPIC, preview, LAKE, { catalog: { getTable } });
}

describe('what a push says of older rows', () => {
  it('names what cycles have taken in columns, and the command that brings it back', async () => {
    const first = added(version(1, { raw: KEPT, message_id: KEPT, n: { type: 'number' } }));
    const [said] = await note(first, 'n', 'raw__a', 'raw__b', 'message_id', 'message_id__x');
    expect(said).toContain('objects of raw, payload__message_id in columns');
    expect(said).toContain('lean-ops topic rebuild telemetry.climate --from raw');
  });

  it('says nothing where no payload had such an object', async () => {
    await expect(note(added(version(1, { raw: KEPT })), 'raw', 'raw_a', 'other__a')).resolves.toEqual([]);
    await expect(note(added(version(1, { n: { type: 'number' } })), 'n__a')).resolves.toEqual([]);
  });

  it('says it once: not of what the version before kept as sent already', async () => {
    const before = version(1, { raw: KEPT });
    await expect(note(changed(before, version(2, { raw: KEPT, n: { type: 'number' } })), 'raw__a')).resolves.toEqual(
      [],
    );
    const [said] = await note(changed(before, version(2, { raw: KEPT, more: KEPT })), 'raw__a', 'more__a');
    expect(said).toContain('objects of more in columns');
  });

  it('keeps a long list short', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const schema = version(1, Object.fromEntries(names.map((name) => [name, KEPT])));
    const [said] = await note(added(schema), ...names.map((name) => `${name}__x`));
    expect(said).toContain('a, b, c, d, e and 2 more');
  });

  it('says nothing to whom the tables may not be shown', async () => {
    const catalog = { getTable: () => Promise.reject(new Error('AccessDenied')) } as never;
    await expect(opaqueNote(TOPIC, added(version(1, { raw: KEPT })), LAKE, { catalog })).resolves.toEqual([]);
  });
});
