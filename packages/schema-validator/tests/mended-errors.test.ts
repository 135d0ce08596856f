/** What a version that becomes active says of the errors on record, and the replay that it asks for. */
import { describe, expect, it } from '@jest/globals';
import { lockKeyOf, type JsonObject, type TopicName } from '@lean-ops/common/core';
import { interruption, KilledError, topicSchema, withField } from '@lean-ops/common/testing';
import type { Collaborators } from '../src/collaborators';
import { countMended, countMendedSafely, ReplayNotStartedError } from '../src/mended-errors';
import { BUCKET, RESOURCES, world, type World } from './world';

const TOPIC = 'telemetry.climate' as TopicName;
const ONE = 'E1-0000000001';
const TWO = 'E1-0000000002';
const second: JsonObject = { ...withField('pressure', { type: 'number' }), 'x-version': 2 };
const replaying: JsonObject = { ...second, 'x-replay-errors': true };

const CAUSES = [
  [ONE, 'curated', TOPIC, 'temperature maximum', '20', '20', '2'],
  [TWO, 'curated', TOPIC, 'temperature type', '3', '3', '0'],
  ['E1-0000000003', 'standardized', TOPIC, 'INVALID_JSON', '4', '4', '0'],
];
const VERDICT = [
  ['rows', '21', null, '21', '0'],
  ['rejected', '4', null, '4', null],
  [`clean rejected latest ${ONE}`, '12', null, '12', null],
  [`clean rejected superseded ${TWO}`, '3', null, '3', null],
  [`rejected rejected superseded ${ONE}`, '4', null, '4', null],
];

/** A topic whose second version has become active, with these answers of Athena. */
async function activated(schema: JsonObject = second, causes: readonly (readonly string[])[] = CAUSES) {
  const w = world();
  await w.run(await w.upload(topicSchema()));
  await w.run(await w.upload(schema));
  const asked: string[] = [];
  const athena: Collaborators['athena'] = {
    execute: () => Promise.reject(new Error('a count writes nothing')),
    query: (sql) => {
      asked.push(sql);
      return Promise.resolve({ columns: [], rows: sql.includes('AS disposition FROM') ? VERDICT : causes });
    },
  };
  const through = (gate = interruption(Infinity, 'before')): Collaborators => ({
    ...w.through(gate),
    athena: gate.through(athena),
  });
  const count = (deps = through()) => countMended(TOPIC, BUCKET, RESOURCES, deps);
  const operations = () =>
    [...w.documents.documents.values()].filter((one) => one['kind'] === 'replay' && one['plan'] !== undefined);
  return { ...w, asked, through, count, operations };
}

describe('a version that becomes active', () => {
  it('says how many open errors are valid under it, once', async () => {
    const { count, asked, item, operations } = await activated();
    await expect(count()).resolves.toEqual({ counted: true, version: 2, errors: 12, fingerprints: 1 });
    expect(asked).toHaveLength(2);
    expect(await item()).toMatchObject({
      mended_errors: 12,
      mended_fingerprints: 1,
      mended_at_version: 2,
      status: 'READY',
    });
    expect(operations()).toEqual([]);
    await expect(count()).resolves.toEqual({ counted: false });
    expect(asked).toHaveLength(2);
  });

  it('is judged by no query where no error of Curated can be read', async () => {
    const { count, asked, item } = await activated(second, [
      [ONE, 'curated', TOPIC, 'temperature maximum', '2', '2', '2'],
    ]);
    await expect(count()).resolves.toMatchObject({ counted: true, errors: 0, fingerprints: 0 });
    expect(asked).toHaveLength(1);
    expect(await item()).toMatchObject({ mended_errors: 0, mended_at_version: 2 });
  });

  it('is not counted for as the first of its topic, nor where another one is active by now', async () => {
    const w = world();
    await w.run(await w.upload(topicSchema()));
    const deps = w.through(interruption(Infinity, 'before'));
    await expect(countMended(TOPIC, BUCKET, RESOURCES, deps)).resolves.toEqual({ counted: false });
    const { count, documents, asked } = await activated();
    await documents.update('registry', { topic_name: TOPIC }, { set: { schema_version: 3 } });
    await expect(count()).resolves.toEqual({ counted: false });
    expect(asked).toEqual([]);
  });

  it('has its verdict whatever the count fails at', async () => {
    const { through, item } = await activated();
    const deps = { ...through(), athena: { execute: fail, query: fail } };
    const before = await item();
    await expect(countMendedSafely(TOPIC, BUCKET, RESOURCES, deps)).resolves.toEqual({
      counted: false,
      failed: 'no right',
    });
    expect(await item()).toEqual(before);
  });
});

const fail = (): Promise<never> => Promise.reject(new Error('no right'));

describe('a version with x-replay-errors', () => {
  it('asks for the replay of what it mends, and of nothing else', async () => {
    const { count, item, operations, executions, documents } = await activated(replaying);
    const counted = await count();
    const [operation] = operations();
    expect(counted).toEqual({
      counted: true,
      version: 2,
      errors: 12,
      fingerprints: 1,
      replay: { operation: operation?.['operation_id'] },
    });
    expect(operation).toMatchObject({
      kind: 'replay',
      topic: TOPIC,
      state: 'RUNNING',
      step: 'REQUESTED',
      reason: 'version 2 of the schema has x-replay-errors',
      plan: {
        topic: TOPIC,
        table_name: 'telemetry_climate',
        causes: [{ layer: 'curated', signature: 'temperature maximum' }],
        schema_version: 2,
        valid: 12,
      },
    });
    // Nobody has seen numbers that would have to stay.
    for (const name of ['rows', 'parse_rows', 'epoch', 'error_ids'])
      expect(operation?.['plan']).not.toHaveProperty(name);
    expect([...executions]).toEqual([operation?.['operation_id']]);
    expect(await item()).toMatchObject({ mended_by: operation?.['operation_id'] });
    expect(await documents.get('operations', lockKeyOf(TOPIC))).toMatchObject({ holder: operation?.['operation_id'] });
  });

  it.each([
    ['held', (w: World) => w.documents.update('registry', { topic_name: TOPIC }, { set: { status: 'MAINTENANCE' } })],
    [
      "another operation's",
      (w: World) => w.documents.put('operations', { ...lockKeyOf(TOPIC), holder: 'other', since: '' }),
    ],
  ])('only counts where the topic is %s', async (_, prepare) => {
    const w = await activated(replaying);
    await prepare(w);
    const counted = await w.count();
    expect(counted).toMatchObject({ counted: true, errors: 12, replay: { not: expect.any(String) } });
    expect(w.operations()).toEqual([]);
    expect(await w.item()).toMatchObject({ mended_errors: 12 });
    expect(await w.item()).not.toHaveProperty('mended_by');
  });

  it('asks once, wherever a run dies and comes again', async () => {
    const undisturbed = await activated(replaying);
    const gate = interruption(Infinity, 'before');
    await undisturbed.count(undisturbed.through(gate));
    expect(gate.calls()).toBeGreaterThan(7);
    for (const moment of ['before', 'after'] as const) {
      for (let at = 1; at <= gate.calls(); at += 1) {
        const w = await activated(replaying);
        await w.count(w.through(interruption(at, moment))).catch((error: unknown) => {
          const died = error instanceof ReplayNotStartedError ? error.cause : error;
          if (!(died instanceof KilledError)) throw error;
        });
        await w.count();
        expect({ at, moment, operations: w.operations().length, started: w.executions.size }).toEqual({
          at,
          moment,
          operations: 1,
          started: 1,
        });
        expect({ at, item: await w.item() }).toEqual({ at, item: await undisturbed.item() });
      }
    }
  });

  it('fails its delivery where the replay could not be started, so that it comes again', async () => {
    const w = await activated(replaying);
    const deps = w.through();
    const broken = { ...deps, machine: { ...deps.machine, start: () => Promise.reject(new Error('throttled')) } };
    const failing = countMendedSafely(TOPIC, BUCKET, RESOURCES, broken);
    await expect(failing).rejects.toThrow(/was requested and could not be started: throttled/);
    await countMendedSafely(TOPIC, BUCKET, RESOURCES, deps);
    expect([w.operations().length, w.executions.size]).toEqual([1, 1]);
  });
});
