import { describe, expect, it } from '@jest/globals';
import {
  changeRows,
  compareSchemas,
  firstSchemaRows,
  readTopicSchema,
  type JsonObject,
  type TopicSchema,
} from '../../../src/core';

const KEPT = { type: 'object', 'x-flatten': false };
const OBJECT = { type: 'object', properties: { unit: { type: 'string' } } };

function version(number: number, properties: JsonObject): TopicSchema {
  const document = { 'x-topic': 'telemetry.climate', 'x-version': number, type: 'object', properties };
  return readTopicSchema(JSON.stringify(document), document);
}

/** The changes from one set of fields to another, each as kind, impact and column. */
function changes(before: JsonObject, after: JsonObject): (readonly (string | null)[])[] {
  return compareSchemas(version(1, before), version(2, after)).changes.map(({ kind, impact, column }) => [
    kind,
    impact,
    column,
  ]);
}

describe('x-flatten between two versions', () => {
  const a = { type: 'number' };

  it('may come with a new field: older rows are as any rows that lack a field', () => {
    expect(changes({ a }, { a, meta: KEPT })).toEqual([
      ['FLATTENING_CHANGED', 'compatible', 'meta'],
      ['COLUMN_ADDED', 'compatible', 'meta'],
    ]);
  });

  it('tells how the texts of older rows come back', () => {
    const [first] = compareSchemas(version(1, { a }), version(2, { a, meta: KEPT })).changes;
    expect(first?.sentence).toContain('lean-ops topic rebuild telemetry.climate --from raw');
  });

  it('breaks the fields of an object that it closes', () => {
    expect(changes({ a, meta: OBJECT }, { a, meta: KEPT })).toContainEqual([
      'COLUMN_REMOVED',
      'breaking',
      'meta__unit',
    ]);
  });

  it('breaks the column of an object that it opens', () => {
    const opened = changes({ a, meta: KEPT }, { a, meta: OBJECT });
    expect(opened).toContainEqual(['FLATTENING_CHANGED', 'breaking', 'meta']);
    expect(opened).toContainEqual(['COLUMN_REMOVED', 'breaking', 'meta']);
  });

  it('may come to a list, and does not go from it', () => {
    const list = { type: 'array' };
    expect(changes({ list }, { list: { ...list, 'x-flatten': false } })).toEqual([
      ['FLATTENING_CHANGED', 'compatible', 'list'],
    ]);
    expect(changes({ list: { ...list, 'x-flatten': false } }, { list })).toEqual([
      ['FLATTENING_CHANGED', 'breaking', 'list'],
    ]);
  });

  it('counts for the columns of former names as well', () => {
    const renamed = { ...KEPT, 'x-renamed-from': 'meta' };
    expect(changes({ a, meta: KEPT }, { a, extra: renamed })).toContainEqual([
      'FLATTENING_CHANGED',
      'compatible',
      'extra',
    ]);
    expect(changes({ a }, { a, extra: renamed })).toContainEqual(['FLATTENING_CHANGED', 'compatible', 'meta']);
  });
});

describe('drift_log', () => {
  it('says which columns a first schema keeps as sent', () => {
    const rows = firstSchemaRows(version(1, { meta: KEPT, b: { type: 'string' } }));
    expect(rows.filter(({ changeType }) => changeType === 'FLATTENING_CHANGED')).toEqual([
      expect.objectContaining({ columnName: 'meta', oldValue: null, newValue: 'x-flatten false', layer: 'curated' }),
    ]);
  });

  it('says when a later version keeps a column as sent', () => {
    const after = version(2, { a: { type: 'number' }, meta: KEPT });
    const rows = changeRows(after, compareSchemas(version(1, { a: { type: 'number' } }), after).changes);
    expect(rows).toContainEqual(
      expect.objectContaining({
        changeType: 'FLATTENING_CHANGED',
        columnName: 'meta',
        oldValue: 'x-flatten true',
        newValue: 'x-flatten false',
        schemaVersion: 2,
      }),
    );
  });
});
