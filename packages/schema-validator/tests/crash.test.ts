import { describe, expect, it } from '@jest/globals';
import { claimTable } from '@lean-ops/common/aws';
import { readDdlLease, type JsonObject, type TopicName } from '@lean-ops/common/core';
import { interruption, topicSchema, withField } from '@lean-ops/common/testing';
import { world, type World } from './world';

const second = { ...withField('pressure', { type: 'number' }), 'x-version': 2 };
const third = { ...withField('pressure', { type: 'number' }, withField('note', { type: 'string' })), 'x-version': 3 };

const promoted = {
  ...withField(
    'temperature',
    { type: 'number', 'x-type': 'decimal(12,2)' },
    withField('phase', { type: 'integer' }, third),
  ),
  'x-version': 4,
};
const huge = JSON.stringify({ ...topicSchema(), description: 'x'.repeat(2_000_000) });

interface Scenario {
  readonly name: string;
  readonly before: readonly (JsonObject | string)[];
  readonly upload: JsonObject | string;
  /** Prepares whatever else exists before the run. */
  readonly prepare?: (w: World) => unknown;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'a first schema', before: [], upload: topicSchema() },
  { name: 'an update', before: [topicSchema()], upload: second },
  { name: 'an update after a refusal', before: [topicSchema(), '{'], upload: second },
  { name: 'the active schema again', before: [topicSchema()], upload: topicSchema() },
  { name: 'a first schema that is refused', before: [], upload: '{' },
  { name: 'an update that adds columns and promotes types', before: [topicSchema()], upload: promoted },
  { name: 'a schema refused for its size', before: [second], upload: huge },
  {
    name: 'a schema whose table Athena refuses',
    before: [],
    upload: topicSchema(),
    prepare: (w) => w.warehouse.tables.set('lean_ops_curated.telemetry_climate', [{ name: 'phase', type: 'date' }]),
  },
  {
    name: 'the first schema of a topic that had events before',
    before: [],
    upload: topicSchema(),
    prepare: async (w) => {
      w.warehouse.tables.set('lean_ops_standardized.telemetry_climate', [{ name: 'device_id', type: 'string' }]);
      const topic = { topic_name: 'telemetry.climate', table_name: 'telemetry_climate' };
      w.documents.seed('registry', { ...topic, status: 'READY', processing_enabled: false });
      await claimTable(w.documents, 'registry', 'telemetry.climate' as TopicName);
    },
  },
  {
    name: "an update in an operator's MAINTENANCE",
    before: [topicSchema()],
    upload: second,
    prepare: (w) =>
      w.documents.update('registry', { topic_name: 'telemetry.climate' }, { set: { status: 'MAINTENANCE' } }),
  },
  { name: 'a refused update', before: [second], upload: topicSchema({ 'x-version': 3 }) },
];

async function prepared({ before, prepare }: Scenario): Promise<World> {
  const w = world();
  for (const schema of before) await w.run(await w.upload(schema));
  await prepare?.(w);
  return w;
}

/** The number of calls that an undisturbed run makes, and the state that it leaves. */
async function undisturbed(scenario: Scenario) {
  const w = await prepared(scenario);
  const gate = interruption(Infinity, 'before');
  await w.run(await w.upload(scenario.upload), w.through(gate));
  return { calls: gate.calls(), state: w.state() };
}

describe.each(SCENARIOS)('$name, killed at any call and run again', (scenario) => {
  it.each(['before', 'after'] as const)('%s the call: ends as an undisturbed run does', async (moment) => {
    const { calls, state } = await undisturbed(scenario);
    expect(calls).toBeGreaterThan(8);
    for (let at = 1; at <= calls; at += 1) {
      const w = await prepared(scenario);
      const upload = await w.upload(scenario.upload);
      await w.runWithRetries(upload, w.through(interruption(at, moment)));
      expect({ at, state: w.state() }).toEqual({ at, state });
      expect(new Set(w.warehouse.driftRows).size).toBe(w.warehouse.driftRows.length);
    }
  });

  it('twice: ends as an undisturbed run does', async () => {
    const { calls, state } = await undisturbed(scenario);
    for (let at = 1; at <= calls; at += 2) {
      for (let again = 1; again <= calls; again += 3) {
        const w = await prepared(scenario);
        const upload = await w.upload(scenario.upload);
        await w.run(upload, w.through(interruption(at, 'after'))).catch(() => undefined);
        await w.runWithRetries(upload, w.through(interruption(again, 'before')));
        expect({ at, again, state: w.state() }).toEqual({ at, again, state });
      }
    }
  });
});

describe('a run that was killed, and never again, before a newer upload came', () => {
  it('does not stand in its way, wherever it died', async () => {
    const { calls } = await undisturbed({ name: '', before: [topicSchema()], upload: second });
    for (let at = 1; at <= calls; at += 1) {
      const w = await prepared({ name: '', before: [topicSchema()], upload: second });
      const dead = await w.upload(second);
      await w.run(dead, w.through(interruption(at, 'after'))).catch(() => undefined);
      await expect(w.run(await w.upload(third))).resolves.toMatchObject({ outcome: 'READY', version: 3 });
      // Its own statement may be at work, so its lease lasts until it runs out, or until it comes again and finds itself overtaken.
      expect([undefined, dead.sequencer]).toContain(readDdlLease(await w.item())?.by);
      await w.documents.update('registry', { topic_name: dead.topic }, { remove: ['ddl'] });
      const { documents, tables, driftRows } = w.state();
      await w.run(dead);
      const { objects: files, ...after } = w.state();
      expect({ at, ...after }).toEqual({ at, documents, tables, driftRows });
      // Whether it was active for a while or never, the overtaken text is in the archive once, beside the first one.
      expect({ at, files: w.files() }).toEqual({
        at,
        files: [
          'telemetry.climate/active/schema.json',
          'telemetry.climate/archive/1-20261123T100001Z.json',
          'telemetry.climate/archive/2-20261123T100002Z.json',
        ],
      });
      expect(Object.values(files).map(({ body }) => JSON.parse(body) as unknown)).toEqual(
        expect.arrayContaining([topicSchema(), second, third]),
      );
    }
  });
});

describe('two uploads handled at the same time', () => {
  it('end with the later one active, however their steps fall together', async () => {
    for (let turn = 0; turn < 60; turn += 1) {
      const w = await prepared({ name: '', before: [topicSchema()], upload: second });
      const earlier = await w.upload(second);
      let calls = 0;
      let later: Promise<unknown> | undefined;
      // The later upload arrives and runs to its end within the earlier one's call number `turn`.
      const gate = interruption(Infinity, 'before');
      const deps = w.through(gate);
      const pausing = <T extends object>(port: T): T =>
        new Proxy(port, {
          get: (target, name, receiver) => {
            const member: unknown = Reflect.get(target, name, receiver);
            if (typeof member !== 'function') return member;
            return async (...args: unknown[]) => {
              calls += 1;
              if (calls === turn + 1 && !later) {
                later = w.upload(third).then((upload) => w.runWithRetries(upload, deps));
                await later;
              }
              return (member as (...given: unknown[]) => Promise<unknown>).apply(target, args);
            };
          },
        });
      await w.runWithRetries(earlier, {
        ...deps,
        objects: pausing(deps.objects),
        documents: pausing(deps.documents),
        athena: pausing(deps.athena),
        catalog: pausing(deps.catalog),
      });
      if (later === undefined) await w.run(await w.upload(third));
      expect({ turn, item: await w.item() }).toMatchObject({ item: { schema_version: 3, status: 'READY' } });
      expect(w.body('telemetry.climate/active/schema.json')).toEqual(third);
      expect(w.files().filter((name) => /pending|failed/.test(name))).toEqual([]);
    }
  });
});
