import { describe, expect, it } from '@jest/globals';
import { AthenaStatementError, type JsonObject } from '@lean-ops/common/core';
import { interruption, topicSchema, withField } from '@lean-ops/common/testing';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { world } from './world';

const fixture = (name: string): string => readFileSync(path.join(__dirname, 'fixtures', `${name}.json`), 'utf8');
const sample = (topic: string): string =>
  readFileSync(path.resolve(__dirname, '../../../schemas', topic, 'schema.json'), 'utf8');

const second = { ...withField('pressure', { type: 'number' }), 'x-version': 2 };

describe('a first schema', () => {
  it('becomes active: tables, drift row, file and registry item', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'READY', version: 1, changes: 0 });
    expect(w.files()).toEqual(['telemetry.climate/active/schema.json']);
    expect(await w.item()).toEqual({
      topic_name: 'telemetry.climate',
      processing_enabled: true,
      status: 'READY',
      table_name: 'telemetry_climate',
      schema_version: 1,
      schema_etag: upload.etag,
      schema_sequencer: upload.sequencer,
      schema_key: 'schemas/telemetry.climate/active/schema.json',
      claimed_sequencer: upload.sequencer,
      settled_sequencer: upload.sequencer,
      settled_recently: [upload.sequencer],
      updated_at: '2026-11-23T10:00:02.000Z',
    });
    expect([...w.warehouse.tables.keys()]).toEqual([
      'lean_ops_standardized.telemetry_climate',
      'lean_ops_curated.telemetry_climate',
    ]);
    expect(w.warehouse.tables.get('lean_ops_curated.telemetry_climate')).toEqual([
      { name: 'device_id', type: 'string' },
      { name: 'measured_at', type: 'timestamp' },
      { name: 'temperature', type: 'decimal(10,2)' },
      { name: 'phase', type: 'int' },
      { name: 'meta__gps__lat', type: 'double' },
      { name: 'meta__gps__lon', type: 'double' },
      { name: 'message_id', type: 'string' },
      { name: 'idempotency_key', type: 'string' },
      { name: 'event_time', type: 'timestamp' },
      { name: 'produced_at', type: 'timestamp' },
      { name: 'received_at', type: 'timestamp' },
      { name: 'ingested_at', type: 'timestamp' },
      { name: 'cycle_id', type: 'string' },
      { name: 'schema_version', type: 'int' },
    ]);
    expect(w.warehouse.driftRows).toEqual([
      expect.stringContaining("'curated', 'TABLE_CREATED'"),
      expect.stringContaining("'standardized', 'TABLE_CREATED'"),
    ]);
  });

  it('that is refused leaves a report, no table, and nothing enabled', async () => {
    const w = world();
    const upload = await w.upload(fixture('many-problems'));
    await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'REFUSED' });
    expect(w.files()).toEqual(['telemetry.climate/failed/error.json', 'telemetry.climate/failed/schema.json']);
    expect(w.body('telemetry.climate/failed/error.json')).toMatchObject({
      topic: 'telemetry.climate',
      etag: upload.etag,
      failed_at: '2026-11-23T10:00:01.000Z',
    });
    expect((w.body('telemetry.climate/failed/error.json') as { errors: unknown[] }).errors).toHaveLength(8);
    expect(await w.item()).toMatchObject({
      status: 'ERROR',
      processing_enabled: false,
      error_code: 'INVALID_TOPIC',
    });
    expect(w.warehouse.statements).toEqual([]);
  });

  it('that is too large is refused unread', async () => {
    const w = world();
    const upload = { ...(await w.upload(topicSchema())), bytes: 6_000_000 };
    const gate = interruption(Infinity, 'before');
    const get: typeof w.objects.get = (bucket, key) =>
      key.includes('/pending/') ? Promise.reject(new Error('read')) : w.objects.get(bucket, key);
    const unread = { ...w.through(gate), objects: { ...w.objects, get } };
    await expect(w.run(upload, unread)).resolves.toMatchObject({
      outcome: 'REFUSED',
      problems: [{ code: 'SCHEMA_TOO_LARGE' }],
    });
    expect(w.files()).toEqual(['telemetry.climate/failed/error.json', 'telemetry.climate/failed/schema.json']);
  });

  it('works for every sample topic', async () => {
    const w = world();
    for (const topic of [
      'telemetry.climate',
      'telemetry.energy',
      'device.status',
      'device.alarm',
      'vehicle.position',
      'logistics.parcel-scan',
    ]) {
      await expect(w.run(await w.upload(sample(topic), topic))).resolves.toMatchObject({ outcome: 'READY' });
    }
    expect([...w.warehouse.tables.keys()]).toContain('lean_ops_curated.logistics_parcel_scan');
  });

  it('cannot take a table that another topic has', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    const twin = topicSchema({ 'x-topic': 'telemetry-climate' });
    await expect(w.run(await w.upload(twin, 'telemetry-climate'))).resolves.toMatchObject({
      outcome: 'REFUSED',
      problems: [{ code: 'TOPIC_COLLISION', message: expect.stringContaining('telemetry.climate') }],
    });
    expect(await w.item('telemetry-climate')).toMatchObject({ status: 'ERROR', error_code: 'TOPIC_COLLISION' });
    expect(await w.item()).toMatchObject({ status: 'READY' });
  });
});

describe('an update of a live topic', () => {
  it('adds and promotes columns, archives what was active, and says so in drift_log', async () => {
    const w = world();
    await w.run(await w.upload(sample('telemetry.climate')));
    await expect(w.run(await w.upload(fixture('next-version')))).resolves.toEqual({
      outcome: 'READY',
      version: 2,
      changes: 4,
    });
    expect(w.files()).toEqual([
      'telemetry.climate/active/schema.json',
      'telemetry.climate/archive/1-20261123T100001Z.json',
    ]);
    expect(w.warehouse.statements.filter((sql) => sql.startsWith('ALTER'))).toEqual([
      'ALTER TABLE `lean_ops_curated`.`telemetry_climate` ADD COLUMNS (`pressure` double)',
      'ALTER TABLE `lean_ops_curated`.`telemetry_climate` CHANGE COLUMN `temperature` `temperature` decimal(12,2)',
    ]);
    expect(w.warehouse.driftRows).toHaveLength(5);
    expect(await w.item()).toMatchObject({ status: 'READY', schema_version: 2 });
  });

  describe('that renames a field', () => {
    const celsius = (() => {
      const { temperature, ...others } = topicSchema()['properties'] as Record<string, JsonObject>;
      const renamed = { ...temperature, 'x-renamed-from': 'temperature' };
      return { ...topicSchema(), 'x-version': 2, properties: { ...others, temp_c: renamed } };
    })();
    const RENAME =
      'ALTER TABLE `lean_ops_curated`.`telemetry_climate` CHANGE COLUMN `temperature` `temp_c` decimal(10,2)';
    const names = (w: ReturnType<typeof world>) =>
      w.warehouse.tables.get('lean_ops_curated.telemetry_climate')?.map(({ name }) => name);

    it('gives the column its name once the schema is active', async () => {
      const w = world();
      await w.run(await w.upload(topicSchema()));
      let activeThen: unknown;
      const execute = w.warehouse.execute.bind(w.warehouse);
      w.warehouse.execute = (sql, options) => {
        if (sql === RENAME) activeThen = w.body('telemetry.climate/active/schema.json');
        return execute(sql, options);
      };
      await expect(w.run(await w.upload(celsius))).resolves.toMatchObject({ outcome: 'READY', changes: 1 });
      expect(activeThen).toMatchObject({ 'x-version': 2 });
      expect(names(w)).toContain('temp_c');
      expect(names(w)).not.toContain('temperature');
      expect(w.warehouse.driftRows.at(-1)).toContain("'COLUMN_RENAMED', 'temp_c', 'temperature', 'temp_c'");
    });

    it('leaves the name alone when it is refused', async () => {
      const w = world();
      await w.run(await w.upload(topicSchema()));
      await expect(w.run(await w.upload({ ...celsius, 'x-version': 1 }))).resolves.toMatchObject({
        outcome: 'REFUSED',
      });
      expect(names(w)).toContain('temperature');
    });

    it('is refused where the table has that name already, under which older rows would be NULL', async () => {
      const w = world();
      await w.run(await w.upload(topicSchema()));
      // An upload that was overtaken has added the column.
      w.warehouse.tables.get('lean_ops_curated.telemetry_climate')?.push({ name: 'temp_c', type: 'decimal(10,2)' });
      await expect(w.run(await w.upload(celsius))).resolves.toMatchObject({
        outcome: 'REFUSED',
        problems: [{ code: 'TABLE_CONFLICT', path: '/properties/temp_c/x-renamed-from' }],
      });
      expect(await w.item()).toMatchObject({ schema_version: 1 });
      const reason = { 'x-breaking': true, 'x-breaking-reason': 'a new sensor' };
      const retyped = {
        ...withField('temp_c', { type: 'string', 'x-renamed-from': 'temperature' }, celsius),
        ...reason,
      };
      // A rebuild makes the table anew, with the values under the new name.
      await expect(w.run(await w.upload(retyped))).resolves.toMatchObject({ outcome: 'PENDING_REBUILD' });
    });

    it('is finished by another run, or by a push of the same schema, when a run died before the new name', async () => {
      const w = world();
      await w.run(await w.upload(topicSchema()));
      const execute = w.warehouse.execute.bind(w.warehouse);
      w.warehouse.execute = (sql, options) =>
        sql === RENAME ? Promise.reject(new Error('killed')) : execute(sql, options);
      const upload = await w.upload(celsius);
      await expect(w.run(upload)).rejects.toThrow('killed');
      expect(names(w)).toContain('temperature');
      w.warehouse.execute = execute;
      await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'READY' });
      expect(names(w)).toContain('temp_c');
      await expect(w.run(await w.upload({ ...celsius }))).resolves.toMatchObject({ outcome: 'READY' });
      expect(w.warehouse.statements.filter((sql) => sql === RENAME)).toHaveLength(1);
    });
  });

  it('that breaks it is refused with the remedy, and processing goes on', async () => {
    const w = world();
    await w.run(await w.upload(sample('telemetry.climate')));
    const before = w.state();
    const outcome = await w.run(await w.upload(fixture('breaking')));
    expect(outcome).toMatchObject({
      outcome: 'REFUSED',
      problems: [
        { code: 'TYPE_CHANGED', path: '/properties/device_id', hint: expect.stringContaining('keep string') },
        {
          code: 'COLUMN_REMOVED',
          path: '/properties/humidity',
          hint: expect.stringContaining('keep the field'),
        },
      ],
    });
    expect(await w.item()).toMatchObject({
      status: 'ERROR',
      error_code: 'TYPE_CHANGED',
      processing_enabled: true,
      schema_version: 1,
    });
    expect(w.state().tables).toEqual(before.tables);
    expect(w.body('telemetry.climate/active/schema.json')).toEqual(JSON.parse(sample('telemetry.climate')));
  });

  it('that is mended clears the failure', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    await w.run(await w.upload('{'));
    await w.run(await w.upload(second));
    expect(w.files().filter((name) => name.includes('failed'))).toEqual([]);
    expect(await w.item()).not.toHaveProperty('error_code');
  });

  it('needs a greater version, unless only words changed', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    await expect(w.run(await w.upload({ ...second, 'x-version': 1 }))).resolves.toMatchObject({
      problems: [{ code: 'VERSION_NOT_INCREASED', hint: 'write "x-version": 2' }],
    });
    await expect(w.run(await w.upload(topicSchema({ title: 'Climate' })))).resolves.toMatchObject({ outcome: 'READY' });
  });

  it('does not cover a status that an operator sets at that very moment', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    const update = w.documents.update.bind(w.documents);
    let hit = false;
    w.documents.update = async (table, key, changes, condition) => {
      if (!hit && changes.set?.['settled_sequencer'] !== undefined) {
        hit = true;
        await update(table, key, { set: { status: 'MAINTENANCE' } });
      }
      return update(table, key, changes, condition);
    };
    await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'READY' });
    expect(await w.item()).toMatchObject({ status: 'MAINTENANCE', settled_sequencer: upload.sequencer });
  });

  it('cannot give a column a type that the table does not take', async () => {
    const w = world();
    w.warehouse.tables.set('lean_ops_curated.telemetry_climate', [{ name: 'phase', type: 'date' }]);
    await expect(w.run(await w.upload(topicSchema()))).resolves.toMatchObject({
      problems: [{ code: 'TABLE_CONFLICT', message: expect.stringContaining('phase as date') }],
    });
  });
});

describe('events', () => {
  it('that come twice change nothing', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    await w.run(upload);
    const before = w.state();
    const statements = w.warehouse.statements.length;
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'DUPLICATE' });
    expect(w.state()).toEqual(before);
    expect(w.warehouse.statements.length).toBe(statements);
  });

  it('that come late change nothing: the object was replaced, or its successor is done', async () => {
    const w = world();
    const first = await w.upload(topicSchema());
    const later = await w.upload(second);
    const archived = 'schemas/telemetry.climate/archive/1-20261123T100001Z.json';
    await expect(w.run(first)).resolves.toEqual({ outcome: 'STALE', archived });
    await w.run(later);
    const before = w.state();
    await expect(w.run(first)).resolves.toEqual({ outcome: 'STALE', archived });
    expect(w.state()).toEqual(before);
  });

  it('that come again when newer uploads are long done change nothing, however the first verdict was', async () => {
    const w = world();
    const uploads = [];
    for (const schema of [topicSchema(), topicSchema({ 'x-version': 3, type: 'array' }), '{', second]) {
      uploads.push(await w.upload(schema));
      await w.run(uploads.at(-1)!);
    }
    const before = w.state();
    for (const upload of uploads) await expect(w.run(upload)).resolves.toEqual({ outcome: 'DUPLICATE' });
    expect(w.state()).toEqual(before);
  });

  it('in the wrong order end as in the right one, and the overtaken text is archived', async () => {
    const w = world();
    const earlier = await w.upload(topicSchema());
    const later = await w.upload(second);
    await w.run(later);
    await expect(w.run(earlier)).resolves.toMatchObject({ outcome: 'STALE' });
    expect(w.files()).toEqual([
      'telemetry.climate/active/schema.json',
      'telemetry.climate/archive/1-20261123T100001Z.json',
    ]);
    expect(w.body('telemetry.climate/active/schema.json')).toEqual(second);
    expect(w.body('telemetry.climate/archive/1-20261123T100001Z.json')).toEqual(topicSchema());
  });

  it('of a text that could never have become active leave nothing behind when they were overtaken', async () => {
    const w = world();
    const earlier = await w.upload('{');
    await w.run(await w.upload(topicSchema()));
    await expect(w.run(earlier)).resolves.toEqual({ outcome: 'STALE' });
    expect(w.files()).toEqual(['telemetry.climate/active/schema.json']);
  });

  it('whose ETag is not the one of the object are those of an older upload', async () => {
    const w = world();
    const earlier = await w.upload(topicSchema());
    await w.upload(second);
    Reflect.deleteProperty(earlier, 'versionId');
    await expect(w.run(earlier)).resolves.toEqual({ outcome: 'STALE' });
    expect(w.files()).toEqual(['telemetry.climate/pending/schema.json']);
  });

  it('do not take the object of a later upload of the same text', async () => {
    const w = world();
    const first = await w.upload(topicSchema());
    await w.run(first);
    await w.upload(topicSchema());
    await expect(w.run(first)).resolves.toEqual({ outcome: 'DUPLICATE' });
    expect(w.files()).toContain('telemetry.climate/pending/schema.json');
  });

  it('whose object is gone change no file and no table', async () => {
    const w = world();
    const upload = await w.upload(topicSchema());
    await w.objects.delete(upload.bucket, upload.key);
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'GONE' });
    expect(w.warehouse.statements).toEqual([]);
  });
});

describe('Athena', () => {
  const failingWith = async (disposition: 'retryable' | 'environment' | 'statement') => {
    const w = world();
    const upload = await w.upload(topicSchema());
    const error = new AthenaStatementError({ disposition, code: 'SOME_CODE' }, 'the reason', 'q1');
    const deps = w.through(interruption(Infinity, 'before'));
    const run = w.run(upload, { ...deps, athena: { ...w.warehouse, execute: () => Promise.reject(error) } });
    return { w, upload, run };
  };

  it.each(['retryable', 'environment'] as const)(
    'failing for a %s reason settles nothing: it is run again',
    async (disposition) => {
      const { w, upload, run } = await failingWith(disposition);
      await expect(run).rejects.toThrow('the reason');
      expect(w.files()).toEqual(['telemetry.climate/pending/schema.json']);
      await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'READY' });
    },
  );

  it('refusing a statement for good is a refusal with the reason', async () => {
    const { w, run } = await failingWith('statement');
    await expect(run).resolves.toMatchObject({ outcome: 'REFUSED', problems: [{ code: 'SOME_CODE' }] });
    expect(await w.item()).toMatchObject({ status: 'ERROR', error_code: 'SOME_CODE' });
  });
});
