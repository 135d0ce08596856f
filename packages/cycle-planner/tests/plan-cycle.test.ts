import { describe, expect, it } from '@jest/globals';
import type { Document, Freshness } from '@lean-ops/common/core';
import { fakeClock, memoryDocuments, memoryObjects, recordingLog, recordingMetrics } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { cycleIdOf, releaseLease, takeLease } from '../src/lease';
import { planCycle as planned, type Collaborators, type CyclePlan, type Resources } from '../src/plan-cycle';
import { MAX_NAMED, reportFreshness } from '../src/report-freshness';
import { decodeRequest } from '../src/request';

const RESOURCES: Resources = {
  lake: { databasePrefix: 'lean_ops', bucket: 'lean-ops-lake' },
  rawTable: 'events',
  registryTable: 'registry',
  checkpointTable: 'checkpoints',
  leaseSeconds: 3_600,
  freshnessTargets: { defaultMinutes: 60, topicMinutes: {} },
};

async function planCycle(executionId: string, resources: Resources, deps: Collaborators): Promise<CyclePlan> {
  return (await planned(executionId, resources, deps)).plan;
}

async function freshnessAt(executionId: string, resources: Resources, deps: Collaborators): Promise<Freshness> {
  return (await planned(executionId, resources, deps)).measure();
}

const FIRST = '8744736658442914487';
const SECOND = '3051729675574597004';
const NOTHING = '{"format-version":2,"current-snapshot-id":-1,"snapshots":[]}';
const TWO_APPENDS = `{"format-version":2,"current-snapshot-id":${SECOND},"snapshots":[
  {"snapshot-id":${FIRST},"summary":{"operation":"append","added-records":"40"}},
  {"snapshot-id":${SECOND},"parent-snapshot-id":${FIRST},"summary":{"operation":"append","added-records":"2"}}]}`;

function world(metadata = TWO_APPENDS) {
  const documents = memoryDocuments({ registry: ['topic_name'], checkpoints: ['topic_name', 'layer'] });
  const location = 's3://lean-ops-lake/warehouse/lean_ops_raw/events/metadata/00002-x.metadata.json';
  const objects = memoryObjects({ [location]: metadata });
  const catalog = { getTable: () => Promise.resolve({ metadataLocation: location, columns: [] }) };
  const clock = fakeClock();
  return { documents, objects, catalog, clock };
}
const raw = (snapshot: string, status = 'complete') => ({
  topic_name: '*',
  layer: 'raw',
  snapshot_id: snapshot,
  cycle_id: 'c',
  status,
});

describe('planCycle', () => {
  it('runs for records that RAW got since the checkpoint, up to an exact snapshot', async () => {
    const w = world();
    w.documents.seed('checkpoints', raw(FIRST));
    await expect(planCycle('execution-1', RESOURCES, w)).resolves.toEqual({
      run: true,
      reason: 'NEW_RECORDS',
      cycle_id: cycleIdOf(new Date(w.clock.now()), 'execution-1'),
      new_records: 2,
      to_snapshot_id: SECOND,
      run_curated: false,
      enabled_topics: 0,
    });
  });

  it('counts all of RAW in the first cycle, and nothing in a table without snapshots', async () => {
    await expect(planCycle('e', RESOURCES, world())).resolves.toMatchObject({ run: true, new_records: 42 });
    await expect(planCycle('e', RESOURCES, world(NOTHING))).resolves.toMatchObject({
      run: false,
      reason: 'NOTHING_NEW',
      to_snapshot_id: '',
    });
  });

  it('skips when there is nothing new', async () => {
    const w = world();
    w.documents.seed('checkpoints', raw(SECOND));
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({
      run: false,
      reason: 'NOTHING_NEW',
      new_records: 0,
    });
  });

  it('runs again after a cycle that was not complete', async () => {
    const w = world();
    w.documents.seed('checkpoints', raw(SECOND, 'incomplete'));
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: true, reason: 'CATCH_UP' });
    w.documents.seed('checkpoints', raw(SECOND), { topic_name: '*', layer: 'curated', status: 'incomplete' });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: true, reason: 'CATCH_UP' });
  });

  it('runs again after a run of Curated that died before it could note anything', async () => {
    const w = world();
    const curated = (snapshot: string) => ({ ...raw(snapshot), layer: 'curated' });
    w.documents.seed('checkpoints', raw(SECOND), curated(FIRST), {
      topic_name: 'a',
      layer: 'curated',
      schema_version: 2,
    });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false });
    w.documents.seed('registry', { topic_name: 'a', processing_enabled: true, schema_version: 2 });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({
      run: true,
      reason: 'CATCH_UP',
      run_curated: true,
    });
    w.documents.seed('checkpoints', curated(SECOND));
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, reason: 'NOTHING_NEW' });
  });

  it('does not run for a topic that an operator holds', async () => {
    const w = world();
    w.documents.seed('checkpoints', raw(SECOND));
    w.documents.seed('registry', {
      topic_name: 'a',
      processing_enabled: true,
      schema_version: 2,
      status: 'MAINTENANCE',
    });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, enabled_topics: 0 });
  });

  it.each(['raw', 'curated'])('catches up with what %s left of a topic that is released', async (layer) => {
    const w = world();
    const held = [{ topic_name: 'a', cycle_id: 'c', since: '' }];
    const topic = { topic_name: 'a', processing_enabled: true, schema_version: 2 };
    w.documents.seed('checkpoints', raw(SECOND), { topic_name: 'a', layer: 'curated', schema_version: 2 });
    w.documents.seed('checkpoints', { ...raw(SECOND), layer, held });
    w.documents.seed('registry', { ...topic, status: 'MAINTENANCE' });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, reason: 'NOTHING_NEW' });
    w.documents.seed('registry', { ...topic, status: 'READY' });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: true, reason: 'CATCH_UP' });
    w.documents.seed('checkpoints', { ...raw(SECOND), layer, held: [] });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, reason: 'NOTHING_NEW' });
  });

  it('runs once for a topic that was given back after the last run began, as an operation may have moved its tables', async () => {
    const w = world();
    const released = { topic_name: 'a', status: 'READY', released_at: '2026-11-30T11:00:30.000Z' };
    w.documents.seed('checkpoints', { ...raw(SECOND), cycle_id: '20261130T110000Z-0a1b2c3d' });
    w.documents.seed('registry', { ...released, status: 'MAINTENANCE' });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, reason: 'NOTHING_NEW' });
    w.documents.seed('registry', released);
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: true, reason: 'CATCH_UP' });
    w.documents.seed('checkpoints', { ...raw(SECOND), cycle_id: '20261130T110100Z-0a1b2c3d' });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, reason: 'NOTHING_NEW' });
  });

  it('does not run again and again for a topic that failed and is held now', async () => {
    const w = world();
    const behind = [{ topic_name: 'a', cycle_id: 'c', since: '2026-11-23T10:00:00Z', error: 'x' }];
    w.documents.seed('checkpoints', { ...raw(SECOND, 'incomplete'), behind });
    w.documents.seed('registry', { topic_name: 'a', status: 'MAINTENANCE' });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, reason: 'NOTHING_NEW' });
    w.documents.seed('checkpoints', {
      ...raw(SECOND, 'incomplete'),
      behind: [...behind, { ...behind[0], topic_name: 'b' }],
    });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: true, reason: 'CATCH_UP' });
  });

  it('leaves a topic alone while the DDL of its schema runs, and takes it on when that died', async () => {
    const w = world();
    w.documents.seed('checkpoints', raw(SECOND));
    const until = Math.floor(w.clock.now() / 1_000) + 60;
    w.documents.seed('registry', {
      topic_name: 'a',
      processing_enabled: true,
      schema_version: 2,
      ddl: { by: '1', since: '', expires_at: until },
    });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, enabled_topics: 0 });
    w.clock.pass(60_000);
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: true, reason: 'BACKFILL' });
  });

  it('runs for an enabled topic until its Curated is made by the active schema', async () => {
    const w = world();
    w.documents.seed('checkpoints', raw(SECOND));
    w.documents.seed(
      'registry',
      { topic_name: 'a', processing_enabled: true, schema_version: 2 },
      { topic_name: 'b', processing_enabled: false },
      { topic_name: 'table#a', owner: 'a' },
    );
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({
      run: true,
      reason: 'BACKFILL',
      run_curated: true,
      enabled_topics: 1,
    });
    w.documents.seed('checkpoints', { topic_name: 'a', layer: 'curated', schema_version: 2 });
    await expect(planCycle('e', RESOURCES, w)).resolves.toMatchObject({ run: false, run_curated: true });
  });

  it('steps back while another execution has the lease', async () => {
    const w = world();
    await planCycle('first', RESOURCES, w);
    await expect(planCycle('second', RESOURCES, w)).resolves.toMatchObject({
      run: false,
      reason: 'LEASE_HELD',
      cycle_id: '',
    });
  });

  it('plans the same cycle when its step is repeated later', async () => {
    const w = world();
    const plan = await planCycle('first', RESOURCES, w);
    w.clock.pass(90_000);
    await expect(planCycle('first', RESOURCES, w)).resolves.toEqual(plan);
  });

  it('says what to do when RAW is not there', async () => {
    const w = world();
    const none = { ...w, catalog: { getTable: () => Promise.resolve(undefined) } };
    await expect(planCycle('e', RESOURCES, none)).rejects.toThrow('{"action":"system"}');
    const { objects, ...rest } = world();
    objects.objects.clear();
    await expect(planCycle('e', RESOURCES, { ...rest, objects })).rejects.toMatchObject({
      code: 'RAW_METADATA_MISSING',
    });
  });
});

describe('freshness', () => {
  const now = Date.parse('2026-11-23T10:00:02.000Z');
  const minutesAgo = (minutes: number): number => now - minutes * 60_000;
  const metadata = `{"format-version":2,"current-snapshot-id":${SECOND},"snapshots":[
    {"snapshot-id":${FIRST},"timestamp-ms":${minutesAgo(90)},"summary":{"operation":"append","added-records":"40"}},
    {"snapshot-id":${SECOND},"parent-snapshot-id":${FIRST},"timestamp-ms":${minutesAgo(20)},"summary":{"operation":"append","added-records":"2"}}]}`;
  const topics = (...names: readonly string[]) => names.map((name) => ({ topic_name: name }));

  it('counts from the first commit to RAW that no run has taken, also while another cycle holds the lease', async () => {
    const w = world(metadata);
    w.documents.seed('registry', ...topics('a', 'b'));
    w.documents.seed('checkpoints', raw(FIRST));
    await expect(freshnessAt('e', RESOURCES, w)).resolves.toMatchObject({ oldestMinutes: 20, late: [] });
    const own = { ...RESOURCES, freshnessTargets: { defaultMinutes: 60, topicMinutes: { b: 15 } } };
    await expect(planCycle('another', own, w)).resolves.toMatchObject({ reason: 'LEASE_HELD' });
    await expect(freshnessAt('another', own, w)).resolves.toMatchObject({
      oldestMinutes: 20,
      late: [{ topic: 'b' }],
      topicMinutes: { b: 20 },
    });
  });

  it('fails no cycle that has nothing to do', async () => {
    const w = world(metadata);
    await planned('e', RESOURCES, w);
    w.objects.objects.clear();
    const { plan, measure } = await planned('another', RESOURCES, w);
    expect(plan.reason).toBe('LEASE_HELD');
    expect(measure).toThrow('nothing lies at');
  });

  it('takes items of any form, as versions before this one and people wrote others', async () => {
    const odd = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.array(fc.object()), fc.object());
    const notes = fc.array(fc.record({ topic_name: odd, since: odd, cycle_id: odd, error: odd }, { requiredKeys: [] }));
    const item = fc.record(
      { snapshot_id: odd, status: odd, behind: fc.oneof(odd, notes), unbalanced: fc.oneof(odd, notes) },
      { requiredKeys: [] },
    );
    const registered = fc.record({ status: odd, processing_enabled: odd, schema_version: odd }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(item, item, registered, async (standardized, curated, topic) => {
        const w = world(metadata);
        // fast-check also makes values that no store holds, such as functions; JSON leaves those out.
        const stored = (value: object): Document => JSON.parse(JSON.stringify(value)) as Document;
        w.documents.seed('registry', { ...stored(topic), topic_name: 'a' });
        w.documents.seed('checkpoints', { ...stored(standardized), topic_name: '*', layer: 'raw' });
        w.documents.seed('checkpoints', { ...stored(curated), topic_name: '*', layer: 'curated' });
        const { plan, measure } = await planned('e', RESOURCES, w);
        expect(plan.cycle_id).not.toBe('');
        const { counts } = report(measure);
        expect(counts).not.toHaveProperty('FreshnessFailed');
        expect(counts).toHaveProperty('TopicsLate');
      }),
    );
  });
});

function report(measure: () => Freshness, topicTargets: Readonly<Record<string, number>> = {}) {
  const metrics = recordingMetrics();
  const log = recordingLog();
  reportFreshness(measure, { defaultMinutes: 60, topicMinutes: topicTargets }, { log, metrics });
  return { counts: metrics.counts, lines: log.lines };
}

describe('reportFreshness', () => {
  const freshness = (topicMinutes: Readonly<Record<string, number>>, late = 0): Freshness => ({
    waiting: [],
    behind: [],
    released: [],
    late: Array.from({ length: late }, (_, index) => ({
      topic: `t${index}`,
      layer: 'curated',
      since: 0,
      targetMinutes: 60,
    })),
    oldestMinutes: Math.max(0, ...Object.values(topicMinutes)),
    topicMinutes,
  });
  it('says that nothing is late, too, as an alarm needs to see it', () => {
    expect(report(() => freshness({ a: 0 }), { a: 30 })).toEqual({
      counts: { TopicsLate: 0, FreshnessMinutes: 0, 'FreshnessMinutes a': 0 },
      lines: [],
    });
  });

  it('names few topics, those with a target of their own first, and counts all', () => {
    const many = Object.fromEntries(Array.from({ length: 700 }, (_, index) => [`t${index}`, 100 + index]));
    const { counts, lines } = report(() => freshness({ ...many, own: 0 }, 700), { own: 30 });
    expect(counts).toMatchObject({ TopicsLate: 700, FreshnessMinutes: 799, 'FreshnessMinutes own': 0 });
    expect(Object.keys(counts).filter((name) => name.startsWith('FreshnessMinutes '))).toHaveLength(MAX_NAMED);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 'warn', fields: { topics: 700, oldest_minutes: 799 } });
  });
});

describe('a freshness that cannot be told', () => {
  it('is said in the log and in a metric, and fails nothing', () => {
    const { counts, lines } = report(() => {
      throw new RangeError('Invalid time value');
    });
    expect(counts).toEqual({ FreshnessFailed: 1 });
    expect(lines).toMatchObject([{ level: 'error', message: 'freshness not measured' }]);
  });
});

describe('the lease', () => {
  it('is held by one execution at a time, whatever order they come, go and die in', async () => {
    const step = fc.record({
      owner: fc.constantFrom('a', 'b', 'c'),
      act: fc.constantFrom('take', 'release', 'wait'),
      seconds: fc.integer({ min: 1, max: 90 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const documents = memoryDocuments({ checkpoints: ['topic_name', 'layer'] });
        const clock = fakeClock();
        let holder: { owner: string; until: number } | undefined;
        for (const { owner, act, seconds } of steps) {
          if (act === 'wait') clock.pass(seconds * 1_000);
          const live = holder !== undefined && clock.now() / 1_000 <= holder.until;
          if (act === 'take') {
            const { held } = await takeLease(documents, 'checkpoints', owner, 60, clock);
            expect(held).toBe(!live || holder?.owner === owner);
            if (held) holder = { owner, until: Math.floor(clock.now() / 1_000) + 60 };
          }
          if (act === 'release') {
            const released = await releaseLease(documents, 'checkpoints', owner);
            expect(released).toBe(holder?.owner === owner);
            if (released) holder = undefined;
          }
        }
      }),
    );
  });

  it('names cycles so that they sort by time', () => {
    expect(cycleIdOf(new Date('2026-11-23T10:00:02.5Z'), 'x')).toMatch(/^20261123T100002Z-[0-9a-f]{8}$/);
  });
});

describe('decodeRequest', () => {
  it('reads both actions; an error may be an object', () => {
    expect(decodeRequest({ action: 'plan', execution_id: 'e' })).toEqual({ action: 'plan', executionId: 'e' });
    expect(
      decodeRequest({ action: 'finish', execution_id: 'e', cycle_id: 'c', outcome: 'FAILED', error: { Error: 'X' } }),
    ).toEqual({ action: 'finish', executionId: 'e', cycleId: 'c', outcome: 'FAILED', error: '{"Error":"X"}' });
  });

  it.each([
    [undefined],
    [{}],
    [{ action: 'plan' }],
    [{ action: 'stop', execution_id: 'e' }],
    [{ action: 'finish', execution_id: 'e' }],
  ])('refuses %j', (event) => {
    expect(() => decodeRequest(event)).toThrow('cycle-planner');
  });
});

describe('the registry', () => {
  it('is there to see to topics by, also while another cycle runs', async () => {
    const w = world();
    w.documents.seed('registry', { topic_name: 'a', status: 'MAINTENANCE' });
    for (const execution of ['e', 'other']) {
      const { registry } = await planned(execution, RESOURCES, w);
      expect(registry?.map(({ topic_name: topic }) => topic)).toEqual(['a']);
    }
  });
});
