/** Schemas that break the active one: the rebuild that their upload asks for, and the activation that it ends with. */
import { describe, expect, it } from '@jest/globals';
import { getOperation } from '@lean-ops/common/aws';
import { lockKeyOf, readWaitingUpload, type JsonObject } from '@lean-ops/common/core';
import { budget, interruption, KilledError, withField } from '@lean-ops/common/testing';
import fc from 'fast-check';
import type { Collaborators } from '../src/collaborators';
import { rebuildOf } from '../src/rebuild-request';
import type { Upload } from '../src/upload';
import {
  active,
  always,
  asked,
  breaking,
  first,
  keyOf,
  machineOf,
  REASON,
  TABLES,
  third,
  TOPIC,
  withoutReason,
} from './breaking-world';

describe('an upload that breaks the active schema', () => {
  it('is refused where nothing says why it may, and told of the way', async () => {
    const w = await active(first);
    const outcome = await w.run(await w.upload(withoutReason));
    expect(outcome).toMatchObject({ outcome: 'REFUSED', problems: [{ code: 'TYPE_CHANGED' }] });
    expect(JSON.stringify(outcome)).toContain('lean-ops schema push --breaking');
    expect(w.executions).toEqual(new Set());
  });

  it('asks for a rebuild, takes the lock of its topic, and changes nothing that people read', async () => {
    const w = await active(first);
    const before = { tables: new Map(w.warehouse.tables), item: await w.item() };
    const { upload, id } = await asked(w);
    expect(w.executions).toEqual(new Set([id]));
    expect(w.body(`${TOPIC}/active/schema.json`)).toEqual(first);
    expect(w.warehouse.tables).toEqual(before.tables);
    const operation = await getOperation(w.documents, TABLES, id);
    expect(operation).toMatchObject({ kind: 'rebuild', state: 'RUNNING', reason: REASON['x-breaking-reason'] });
    expect(operation?.plan).toMatchObject({ from: 'standardized', activates: true, schema_version: 2 });
    expect(w.body(keyOf(operation?.plan).replace('schemas/', ''))).toEqual(breaking);
    const item = await w.item();
    expect(item).toMatchObject({ status: 'READY', schema_version: 1, activating: id });
    expect(readWaitingUpload(item)).toMatchObject({ sequencer: upload.sequencer, rebuild: id });
  });

  it('may say why beside its text, with how many rows it may cost', async () => {
    const w = await active(first);
    const upload = await w.upload(withoutReason, TOPIC, {
      'breaking-reason': encodeURIComponent('Füllstand in Worten'),
      'max-rejected': '0.5%',
    });
    await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'PENDING_REBUILD' });
    const operation = await getOperation(w.documents, TABLES, rebuildOf(upload));
    expect(operation).toMatchObject({ reason: 'Füllstand in Worten', plan: { max_rejected: '0.5%' } });
  });

  it('becomes active by the operation that holds the topic, and is settled', async () => {
    const w = await active(first);
    const { upload, id } = await asked(w);
    const machine = machineOf(w);
    await machine.toApplied(id);
    expect(await w.item()).toMatchObject({ status: 'MAINTENANCE', schema_version: 1 });
    await expect(machine.activate(id)).resolves.toEqual({ activated: true, version: 2, settled: true });
    await machine.finish(id);
    const item = await w.item();
    expect(item).toMatchObject({ status: 'READY', schema_version: 2, settled_sequencer: upload.sequencer });
    for (const gone of ['activating', 'waiting_upload', 'hold', 'error_code']) expect(item).not.toHaveProperty(gone);
    expect(w.body(`${TOPIC}/active/schema.json`)).toEqual(breaking);
    expect(w.body(`${TOPIC}/archive/1-20261123T100001Z.json`)).toEqual(first);
    expect(w.files()).not.toContain(`${TOPIC}/pending/schema.json`);
    expect(w.warehouse.driftRows.filter((row) => row.includes("'TYPE_CHANGED', 'level'"))).toHaveLength(1);
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'DUPLICATE' });
    // The state machine may ask once more, when it did not hear the answer.
    await expect(machine.activate(id)).resolves.toMatchObject({ activated: true });
  });

  it('needs a reason of its own: one that a version before had counts for that alone', async () => {
    const w = await active(first);
    const { id } = await asked(w);
    const machine = machineOf(w);
    await machine.toApplied(id);
    await machine.activate(id);
    await machine.finish(id);
    const again = { ...withField('level', { type: 'integer' }, breaking), 'x-version': 3 };
    await expect(w.run(await w.upload(again))).resolves.toMatchObject({
      outcome: 'REFUSED',
      problems: [{ code: 'BREAKING_REASON_STALE' }, { code: 'TYPE_CHANGED' }],
    });
    // What breaks nothing may keep the words.
    await expect(w.run(await w.upload(third))).resolves.toMatchObject({ outcome: 'READY', version: 3 });
  });

  it('waits while the topic is held, and asks once it is released', async () => {
    const w = await active(first);
    const key = { topic_name: TOPIC };
    await w.documents.update('registry', key, { set: { status: 'MAINTENANCE' } });
    const upload = await w.upload(breaking);
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'PENDING_MAINTENANCE' });
    await w.documents.update('registry', key, { set: { status: 'READY' } });
    await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'PENDING_REBUILD' });
  });

  it('waits while another operation has the topic, also one that does not hold it yet', async () => {
    const w = await active(first);
    w.documents.seed('operations', { ...lockKeyOf(TOPIC), holder: '20261130T062500Z-rebuild-ab12cd', since: '' });
    const upload = await w.upload(breaking);
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'PENDING_MAINTENANCE' });
    expect(readWaitingUpload(await w.item())).toMatchObject({ sequencer: upload.sequencer });
    await w.documents.delete('operations', lockKeyOf(TOPIC));
    await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'PENDING_REBUILD' });
  });

  it('waits also where the operation that has the topic holds it in that very moment', async () => {
    const w = await active(first);
    w.documents.seed('operations', { ...lockKeyOf(TOPIC), holder: '20261130T062500Z-compact-ab12cd', since: '' });
    const upload = await w.upload(breaking);
    const { documents, ...deps } = always(w);
    let held = false;
    const meanwhile: Collaborators['documents'] = {
      ...documents,
      update: async (table, key, changes, condition) => {
        if (!held && changes.set?.['waiting_upload'] !== undefined) {
          held = true;
          await w.documents.update('registry', { topic_name: TOPIC }, { set: { status: 'MAINTENANCE' } });
        }
        return documents.update(table, key, changes, condition);
      },
    };
    await expect(w.run(upload, { ...deps, documents: meanwhile })).resolves.toEqual({ outcome: 'PENDING_MAINTENANCE' });
    expect([held, readWaitingUpload(await w.item())]).toEqual([
      true,
      expect.objectContaining({ sequencer: upload.sequencer }),
    ]);
  });

  it('keeps its rebuild when the tries of its event end before that was started', async () => {
    const w = await active(first);
    const upload = await w.upload(breaking);
    const deps = always(w);
    const machine = { start: () => Promise.reject(new Error('Step Functions is away')) };
    await expect(w.run(upload, { ...deps, machine })).rejects.toThrow('Step Functions is away');
    const operation = rebuildOf(upload);
    await expect(w.end(upload)).resolves.toEqual({ outcome: 'PENDING_REBUILD', operation });
    expect(readWaitingUpload(await w.item())).toMatchObject({ rebuild: operation });
    // The next cycle that is planned delivers the upload again.
    await expect(w.run(upload)).resolves.toEqual({ outcome: 'PENDING_REBUILD', operation });
    expect(w.executions).toEqual(new Set([operation]));
  });

  it('is refused where its bound on rejected messages bounds nothing', async () => {
    const w = await active(first);
    const upload = await w.upload(breaking, TOPIC, { 'max-rejected': 'a few' });
    await expect(w.run(upload)).resolves.toMatchObject({
      outcome: 'REFUSED',
      problems: [{ code: 'INVALID_MAX_REJECTED' }],
    });
    expect(w.executions).toEqual(new Set());
  });

  it('is refused where no cycle has written to the table that it would have rebuilt', async () => {
    const w = await active(first);
    const upload = await w.upload(breaking);
    const { catalog, ...deps } = always(w);
    const metadataLocation = 's3://lake/warehouse/telemetry_climate/metadata/0.metadata.json';
    const located: Collaborators['catalog'] = {
      getTable: async (database, table) => {
        const found = await catalog.getTable(database, table);
        return found && { ...found, metadataLocation };
      },
    };
    const key = 'warehouse/telemetry_climate/metadata/0.metadata.json';
    await w.objects.put('lake', key, JSON.stringify({ 'format-version': 2, 'current-snapshot-id': -1, snapshots: [] }));
    await expect(w.run(upload, { ...deps, catalog: located })).resolves.toMatchObject({
      outcome: 'REFUSED',
      problems: [{ code: 'NOTHING_TO_REBUILD' }],
    });
    expect(w.executions).toEqual(new Set());
    const snapshots = [{ 'snapshot-id': 1, summary: { operation: 'append' } }];
    await w.objects.put('lake', key, JSON.stringify({ 'format-version': 2, 'current-snapshot-id': 1, snapshots }));
    const again = await w.run(await w.upload(breaking), { ...deps, catalog: located });
    expect(again).toMatchObject({ outcome: 'PENDING_REBUILD' });
  });

  it('is refused once its rebuild is cancelled, and pushed again it asks for another one', async () => {
    const w = await active(first);
    const { upload, id } = await asked(w);
    await machineOf(w).cancel(id);
    expect(await w.item()).not.toHaveProperty('activating');
    await expect(w.run(upload)).resolves.toMatchObject({ outcome: 'REFUSED', problems: [{ code: 'REBUILD_ENDED' }] });
    expect(w.body(`${TOPIC}/active/schema.json`)).toEqual(first);
    const { id: other } = await asked(w);
    expect(other).not.toBe(id);
  });
});

describe('an upload that comes while a rebuild makes a schema active', () => {
  it.each(['before the hold', 'while it is held'])('%s waits, and is compared with that schema', async (when) => {
    const w = await active(first);
    const { id } = await asked(w);
    const machine = machineOf(w);
    if (when === 'while it is held') await machine.toApplied(id);
    const newer = await w.upload(third);
    await expect(w.run(newer)).resolves.toEqual({ outcome: 'PENDING_MAINTENANCE' });
    if (when !== 'while it is held') await machine.toApplied(id);
    await expect(machine.activate(id)).resolves.toEqual({ activated: true, version: 2, settled: false });
    await machine.finish(id);
    expect(await w.item()).toMatchObject({ schema_version: 2, status: 'READY' });
    expect(readWaitingUpload(await w.item())).toMatchObject({ sequencer: newer.sequencer });
    await expect(w.run(newer)).resolves.toMatchObject({ outcome: 'READY', version: 3 });
    expect(w.body(`${TOPIC}/active/schema.json`)).toEqual(third);
    const added = w.warehouse.driftRows.filter((row) => row.includes("'COLUMN_ADDED', 'more'"));
    expect(added).toHaveLength(1);
  });
});

it('an upload that is overtaken while an operation makes a schema active comes to an end', async () => {
  const w = await active(first);
  const { id } = await asked(w);
  const upload = await w.upload(third);
  const { documents, ...deps } = always(w);
  const overtaken: Collaborators['documents'] = {
    ...documents,
    get: async (table, key) => {
      const item = await documents.get(table, key);
      // A newer upload claims the topic as soon as this one has.
      if (item?.['claimed_sequencer'] !== upload.sequencer) return item;
      const claim = { set: { claimed_sequencer: 'f'.repeat(32) } };
      await w.documents.update('registry', { topic_name: TOPIC }, claim);
      return documents.get(table, key);
    },
  };
  await expect(w.run(upload, { ...deps, documents: overtaken })).resolves.toMatchObject({ outcome: 'SUPERSEDED' });
  expect(await w.item()).toMatchObject({ activating: id });
}, 10_000);

describe('a breaking upload and its activation, with another upload beside them, killed anywhere', () => {
  it('end as one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 6, maxLength: 6 }),
        fc.constantFrom('none', 'before', 'building', 'held'),
        fc.constantFrom<'before' | 'after'>('before', 'after'),
        async (deaths, other, when) => {
          const w = await active(first);
          const dies = [...deaths];
          /** Runs it to the end, after one run of it that was killed. */
          const killedOnce = async <T>(run: (deps: Collaborators) => Promise<T>): Promise<T> => {
            try {
              return await run(w.through(interruption(dies.pop() ?? Infinity, when)));
            } catch (error) {
              if (!(error instanceof KilledError)) throw error;
              return run(always(w));
            }
          };
          const uploads: Upload[] = [];
          const put = async (schema: JsonObject) => {
            const upload = await w.upload(schema);
            uploads.push(upload);
            return upload;
          };
          const compatible = { ...withField('more', { type: 'number' }, first), 'x-version': 2 };
          const run = async (schema: JsonObject) => {
            const one = await put(schema);
            await killedOnce((deps) => w.run(one, deps));
          };
          if (other === 'before') await run(compatible);
          const wanted = { ...withField('more', { type: 'number' }, breaking), 'x-version': 3 };
          const upload = await put(wanted);
          await killedOnce((deps) => w.run(upload, deps));
          const id = rebuildOf(upload);
          expect(w.executions).toContain(id);
          const last = { ...withField('later', { type: 'number' }, wanted), 'x-version': 4 };
          if (other === 'building') await run(last);
          const machine = machineOf(w);
          await machine.toApplied(id);
          if (other === 'held') await run(last);
          await killedOnce((deps) => machine.activate(id, deps));
          await machine.finish(id);
          const waiting = readWaitingUpload(await w.item());
          const waits = uploads.find(({ sequencer }) => sequencer === waiting?.sequencer);
          if (waits !== undefined) await killedOnce((deps) => w.run(waits, deps));
          const comesLater = other === 'building' || other === 'held';
          expect(waits !== undefined).toBe(comesLater);
          expect(w.body(`${TOPIC}/active/schema.json`)).toEqual(comesLater ? last : wanted);
          const item = await w.item();
          expect(item).toMatchObject({ status: 'READY', schema_version: comesLater ? 4 : 3 });
          expect(item).not.toHaveProperty('activating');
          expect(item).not.toHaveProperty('waiting_upload');
          expect(item).not.toHaveProperty('ddl');
          expect(w.files().filter((name) => /pending|failed/.test(name))).toEqual([]);
          const rows = w.warehouse.driftRows.map((row) => row.slice(0, 64));
          expect(new Set(rows).size).toBe(rows.length);
          expect(w.warehouse.driftRows.filter((row) => row.includes("'TYPE_CHANGED', 'level'"))).toHaveLength(1);
        },
      ),
      { numRuns: budget({ eachRun: 100, thorough: 1_000 }) },
    );
  }, 120_000);
});
