import { describe, expect, it } from '@jest/globals';
import { changeRows, driftId, firstSchemaRows, insertDriftRows } from '../../../src/core/drift/drift-log';
import driftIds from '../../../../../tests/conformance/drift_ids.json';
import { schemaChanges } from '../../../src/core/drift/schema-changes';
import { modelOf, topicSchema, withField } from '../../../src/testing';

const LAKE = { databasePrefix: 'lean_ops', bucket: 'b' };
const active = modelOf(topicSchema());
const candidate = modelOf({
  ...withField('note', { type: 'string', description: "it's new" }),
  'x-version': 2,
  title: 'Other',
});

describe('drift rows', () => {
  it('come from changes of rows and tables, not of annotations', () => {
    expect(changeRows(candidate, schemaChanges(active, candidate))).toEqual([
      {
        topicName: 'telemetry.climate',
        layer: 'curated',
        changeType: 'COLUMN_ADDED',
        columnName: 'note',
        oldValue: null,
        newValue: 'string',
        schemaVersion: 2,
      },
    ]);
  });

  it('name the column of Standardized where an object changes', () => {
    const optional = modelOf(topicSchema());
    const required = modelOf(topicSchema({ required: ['device_id', 'measured_at', 'meta'] }));
    expect(changeRows(optional, schemaChanges(required, optional))).toMatchObject([
      {
        changeType: 'CONSTRAINT_CHANGED',
        columnName: 'meta',
        oldValue: 'required true',
        newValue: 'required false',
      },
    ]);
  });

  it('keep the id that earlier releases gave a changed keyword, which they called CONSTRAINT_CHANGED', () => {
    const filling = modelOf(topicSchema({ 'x-version': 2, 'x-backfill': true }));
    const [row] = changeRows(filling, schemaChanges(active, filling));
    expect(row?.changeType).toBe('KEYWORD_CHANGED');
    expect(driftId(row!)).toBe(driftId({ ...row!, changeType: 'CONSTRAINT_CHANGED' }));
  });

  it('say which keyword changed', () => {
    const promised = modelOf(topicSchema({ 'x-event-time-stable': true, 'x-event-time': 'measured_at' }));
    expect(changeRows(active, schemaChanges(promised, active))).toMatchObject([
      { changeType: 'KEYWORD_CHANGED', oldValue: 'x-event-time measured_at', newValue: 'x-event-time none' },
      {
        changeType: 'KEYWORD_CHANGED',
        oldValue: 'x-event-time-stable true',
        newValue: 'x-event-time-stable false',
      },
    ]);
  });

  it('have the id that the jobs give the same change', () => {
    for (const { topic, layer, change_type: changeType, drift_id: id } of driftIds) {
      const row = firstSchemaRows({ ...active, topic: topic, version: 7 }).find(
        (one) => one.layer === layer && one.changeType === changeType,
      );
      expect(driftId(row!)).toBe(id);
    }
  });

  it('have one id for one change, and another for any other', () => {
    const [row] = firstSchemaRows(active);
    expect(driftId({ ...row! })).toBe(driftId(row!));
    expect(driftId({ ...row!, schemaVersion: 2 })).not.toBe(driftId(row!));
  });

  it('are written once each, in statements of bounded size', () => {
    const rows = Array.from({ length: 250 }, (_, index) => ({
      ...firstSchemaRows(active)[0]!,
      columnName: `c${index}`,
    }));
    const statements = insertDriftRows(LAKE, rows, new Date('2026-11-23T10:00:00Z'));
    expect(statements.length).toBe(3);
    expect(Math.max(...statements.map((sql) => Buffer.byteLength(sql)))).toBeLessThan(262_144);
    expect(insertDriftRows(LAKE, [], new Date(0))).toEqual([]);
  });

  it('are quoted for Trino', () => {
    const row = { ...firstSchemaRows(active)[0]!, oldValue: "it's", newValue: null };
    const [sql] = insertDriftRows(LAKE, [row], new Date('2026-11-23T10:00:00Z'));
    expect(sql).toContain('INSERT INTO "lean_ops_ops"."drift_log" ("drift_id", "topic_name"');
    expect(sql).toContain("'TABLE_CREATED', CAST(NULL AS varchar), 'it''s', CAST(NULL AS varchar), 'schema', 1");
    expect(sql).toContain("TIMESTAMP '2026-11-23 10:00:00.000')");
    expect(sql).toContain('WHERE NOT EXISTS (SELECT 1 FROM "lean_ops_ops"."drift_log" AS present');
  });
});
