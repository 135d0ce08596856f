/** `lean-ops topic compact`, against a pipeline in memory whose operations run by the real transitions. */
import { describe, expect, it } from '@jest/globals';
import type { Document } from '@lean-ops/common/core';
import { heldItem, memoryOperations, registered, tableMetadata, TOPIC } from './memory-operations';

const totals = (files: number, bytes: number, deletes = 0): object =>
  tableMetadata({
    'total-data-files': String(files),
    'total-files-size': String(bytes),
    'total-delete-files': String(deletes),
  });
const TABLES = {
  'acme_standardized.telemetry_climate': totals(120, 35_000_000, 2),
  'acme_curated.telemetry_climate': totals(3, 900),
};
const COMPACT = ['topic', 'compact', TOPIC, '--apply', '--reason', 'it reads slowly'];
const ALL = ['topic', 'compact', '--all'];
const APPLIED = [...ALL, '--apply', '--reason', 'they read slowly'];

/** Topics named by letters, each with this many small files. */
function topicsWith(files: Readonly<Record<string, number>>, changes: Readonly<Record<string, Document>> = {}) {
  return {
    items: Object.keys(files).map((name) =>
      registered({ topic_name: `t.${name}`, table_name: `t_${name}`, ...changes[name] }),
    ),
    tables: Object.fromEntries(
      Object.entries(files).map(([name, count]) => [`acme_standardized.t_${name}`, totals(count, count * 1_000)]),
    ),
  };
}

describe('topic compact TOPIC', () => {
  it('shows what the tables have, what it spares at the most, and what is held meanwhile', async () => {
    const { run, operations } = memoryOperations({ tables: TABLES });
    const { code, output } = await run('topic', 'compact', TOPIC);
    expect(code).toBe(0);
    expect(output).toMatchInlineSnapshot(`
      "Plan: compact telemetry.climate
        now       READY, epoch 3
        has       Standardized: 120 files of 33.4 MiB, 2 delete files, 1 snapshot
        has       Curated: 3 files of 900 bytes, no delete files, 1 snapshot
        spares    up to 115 files and 2 delete files for whoever reads it; snapshots that nobody needs go
        meanwhile MAINTENANCE, epoch 4: cycles, table-provisioner and schema uploads leave
                  telemetry_climate alone, in both layers; RAW and cycle_delta take its events
        then      READY, epoch 4; the next cycle takes what has come
        drained   at once: no cycle runs
      Nothing was changed. To do it:
        lean-ops topic compact telemetry.climate --plan epoch=3,status=READY,hold=none --apply --reason TEXT
      "
    `);
    expect(await operations()).toEqual([]);
  });

  it('holds the topic for itself, says what was done, and gives the topic back', async () => {
    const { run, registryItem, operations, locks } = memoryOperations({ tables: TABLES });
    const { code, output } = await run(...COMPACT, '--plan', 'epoch=3,status=READY,hold=none');
    expect(code).toBe(0);
    const steps = output.split('\n').filter((line) => /^\d\d:/.test(line));
    expect(steps.map((line) => line.slice(10))).toEqual([
      expect.stringMatching(/-compact-[0-9a-f]{6} is requested$/),
      `no new cycle takes ${TOPIC}`,
      'no cycle that began before is at work; compacting the tables',
      'the tables are done: 120 files to 5 files, 33.4 MiB to 31.5 MiB, 130 snapshots to 101 snapshots',
      expect.stringMatching(/^\S+ is done: telemetry\.climate is given back$/),
    ]);
    await expect(registryItem()).resolves.toMatchObject({ status: 'READY', epoch: 4 });
    expect(await registryItem()).not.toHaveProperty('hold');
    expect(await operations()).toMatchObject([
      {
        kind: 'compact',
        state: 'DONE',
        plan: { held: false, gain_at_most: 315, tables: [{ files: 120 }, { files: 3 }] },
      },
    ]);
    expect(await locks()).toEqual([]);
  });

  it('leaves a topic held that was', async () => {
    const { run, registryItem } = memoryOperations({ items: [heldItem()], tables: TABLES });
    const plan = await run('topic', 'compact', TOPIC);
    expect(plan.output).toContain('meanwhile held as it is, and afterwards too\n');
    expect(plan.output).toContain('--plan epoch=4,status=MAINTENANCE,hold=20261130T060000Z-hold-0000aa --apply');
    const { code, output } = await run(...COMPACT);
    expect([code, output]).toEqual([0, expect.stringContaining('telemetry.climate stays held\n')]);
    await expect(registryItem()).resolves.toMatchObject({ status: 'MAINTENANCE', epoch: 4 });
  });

  it.each<[code: string, items: Document[], tables: Readonly<Record<string, object>>]>([
    ['UNKNOWN_TOPIC', [], TABLES],
    ['NO_TABLES', [registered()], {}],
    ['HELD_OTHERWISE', [registered({ status: 'REBUILDING' })], TABLES],
  ])('is refused with %s', async (refusal, items, tables) => {
    const { run, operations } = memoryOperations({ items, tables });
    const { code, output } = await run(...COMPACT);
    expect([code, output]).toEqual([1, expect.stringMatching(new RegExp(`^${refusal}: `))]);
    expect(await operations()).toEqual([]);
  });

  it('is refused when the plan is stale, or somebody else is at work', async () => {
    const { run } = memoryOperations({ tables: TABLES });
    const stale = await run(...COMPACT, '--plan', 'epoch=2,status=READY,hold=none');
    expect([stale.code, stale.output]).toEqual([1, expect.stringContaining('PLAN_STALE: ')]);
    await expect(run(...COMPACT, '--detach')).resolves.toMatchObject({ code: 0 });
    const busy = await run(...COMPACT);
    expect([busy.code, busy.output]).toEqual([1, expect.stringContaining('TOPIC_BUSY: ')]);
  });

  it('says where a size is not known, or nothing is to be joined', async () => {
    const broken = { ...TABLES, 'acme_curated.telemetry_climate': 'nothing' };
    const unknown = await memoryOperations({ tables: broken }).run('topic', 'compact', TOPIC);
    expect([unknown.code, unknown.output]).toEqual([
      0,
      expect.stringContaining(
        'Curated: its metadata cannot be read: not Iceberg table metadata: it is no JSON object\n',
      ),
    ]);
    const small = { 'acme_standardized.telemetry_climate': totals(3, 900) };
    const { output } = await memoryOperations({ tables: small }).run('topic', 'compact', TOPIC);
    expect(output).toContain('spares    no file that is known of; snapshots that nobody needs go\n');
  });
});

describe('topic compact --all', () => {
  it('shows those first that gain most, how many more there are, and who is left alone', async () => {
    const { items, tables } = topicsWith(
      { a: 10, b: 30, c: 20, d: 3, held: 50, busy: 60 },
      { held: { status: 'MAINTENANCE', hold: { by: 'ada', operation_id: 'o', reason: 'repair', since: 's' } } },
    );
    const { run, seed, operations } = memoryOperations({ items, tables: { ...tables, 'acme_curated.t_a': 'broken' } });
    // It has the name of a table that belongs to another topic.
    seed(
      'acme-schema-registry',
      { topic_name: 'table#t_b', owner: 't.b' },
      registered({ topic_name: 't-b', table_name: 't_b' }),
    );
    seed('acme-operations', { operation_id: 'topic#t.busy', holder: 'x', since: 'noon' });
    const { code, output } = await run(...ALL, '--limit', '2');
    expect(code).toBe(0);
    expect(output).toMatchInlineSnapshot(`
      "topic  files      size  delete files  snapshots  spares at most
      ───────────────────────────────────────────────────────────────
      t.b       30  29.3 KiB             0          1              29
      t.c       20  19.5 KiB             0          1              19
      skipped: t.busy, x has had it since noon
      skipped: t.held, held by ada since s (o): repair
      not looked at: 1 topic (t.a), as a table's metadata cannot be read: not Iceberg table metadata: it is no JSON object
      1 more topic gains by it: --limit
      Nothing was changed. To do it, one after another:
        lean-ops topic compact --all --limit 2 --apply --reason TEXT
      "
    `);
    expect(await operations()).toEqual([]);
  });

  it('compacts one after another, and gives each back', async () => {
    const { items, tables } = topicsWith({ a: 10, b: 30, c: 20 });
    const { run, operations, locks, documents } = memoryOperations({ items, tables });
    const { code, output } = await run(...APPLIED, '--limit', '2');
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/1 of 2: t\.b\n[^]*2 of 2: t\.c\n[^]*2 topics compacted\.\n$/),
    ]);
    expect(await operations()).toMatchObject([
      { topic: 't.b', state: 'DONE', reason: 'they read slowly' },
      { topic: 't.c', state: 'DONE' },
    ]);
    const [first, second] = await operations();
    const times = [first?.['ended_at'], second?.['requested_at']];
    expect([...times].sort()).toEqual(times);
    expect(await locks()).toEqual([]);
    await expect(documents.get('acme-schema-registry', { topic_name: 't.b' })).resolves.toMatchObject({
      status: 'READY',
    });
  });

  it('passes over a topic that somebody takes meanwhile, and ends with 1', async () => {
    const { items, tables } = topicsWith({ a: 10, b: 30 });
    const { run, seed, operations } = memoryOperations({
      items,
      tables,
      job: () => seed('acme-operations', { operation_id: 'topic#t.a', holder: 'x', since: 'noon' }),
    });
    const { code, output } = await run(...APPLIED);
    expect([code, output]).toEqual([1, expect.stringContaining('TOPIC_BUSY: x has had t.a since noon')]);
    expect(output).toMatch(/1 topic compacted, 1 refused\.\n$/);
    expect(await operations()).toMatchObject([{ topic: 't.b', state: 'DONE' }]);
  });

  it('stops at the first that fails', async () => {
    const { items, tables } = topicsWith({ a: 10, b: 30, c: 20 });
    const { run, operations } = memoryOperations({
      items,
      tables,
      job: () => {
        throw new Error('access denied');
      },
    });
    const { code, output } = await run(...APPLIED);
    expect(code).toBe(2);
    expect(output).toContain('Stopped here: 2 topics of those above are as before.\n');
    expect(output).toMatch(/no topics compacted, 1 not done\.\n$/);
    expect(await operations()).toMatchObject([{ topic: 't.b', state: 'FAILED' }]);
  });

  it('has one document for programs', async () => {
    const { run } = memoryOperations(topicsWith({ a: 10 }));
    const { output, error } = await run(...APPLIED, '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      chosen: [{ topic: 't.a', gain_at_most: 9, tables: [{ layer: 'standardized', size: { files: 10 } }] }],
      skipped: [],
      later: 0,
      unknown: [],
      done: [{ topic: 't.a', plan: { kind: 'compact' }, operation: { state: 'DONE' }, end: 'ENDED' }],
    });
    expect(error).toContain('1 of 1: t.a');
  });

  it('finds nothing to do, and takes no words that do not go together', async () => {
    const { run } = memoryOperations(topicsWith({ a: 2 }));
    await expect(run(...APPLIED)).resolves.toMatchObject({ code: 0, output: 'No topic is known to gain by it.\n' });
    for (const [args, said] of [
      [['topic', 'compact'], 'name a topic, or give --all'],
      [['topic', 'compact', TOPIC, '--all'], 'name a topic, or give --all'],
      [[...APPLIED, '--detach'], '--detach goes with one topic'],
      [[...APPLIED, '--plan', 'epoch=3'], '--plan goes with one topic'],
      [[...ALL, '--apply'], '--apply needs --reason TEXT'],
      [[...ALL, '--limit', '0'], '--limit'],
    ] as const) {
      const { code, error } = await run(...args);
      expect([args, code, error]).toEqual([args, 2, expect.stringContaining(said)]);
    }
  });
});
