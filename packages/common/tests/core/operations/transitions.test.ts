import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { advanceOperation, OperationRefusedError, requestOperation, type DocumentStore } from '../../../src/aws';
import {
  beginOperation,
  equals,
  finishOperation,
  forgottenKeysOf,
  isHeld,
  lockKeyOf,
  markDrained,
  OPERATION_KINDS,
  operationIdOf,
  readHold,
  type Document,
  type Operation,
  type OperationKind,
  type TopicName,
} from '../../../src/core';
import { budget, interruption, KilledError, memoryDocuments, type Interruption } from '../../../src/testing';

const TABLES = { operations: 'operations', registry: 'registry' };
const TOPIC = 'telemetry.climate' as TopicName;
const NOW = new Date('2026-11-30T06:25:00Z');
const READY = { topic_name: TOPIC, table_name: 'telemetry_climate', status: 'READY', processing_enabled: true };

let ids = 0;
function operation(kind: OperationKind, more: Partial<Operation> = {}): Operation {
  ids += 1;
  return {
    operationId: operationIdOf(NOW, kind, ids.toString(16).padStart(6, '0')),
    kind,
    topic: TOPIC,
    state: 'RUNNING',
    step: 'REQUESTED',
    requestedBy: 'arn:aws:iam::1:user/ada',
    reason: 'a new sensor',
    plan: {},
    planDigest: 'd',
    counts: {},
    requestedAt: NOW.toISOString(),
    updatedAt: NOW.toISOString(),
    recorded: false,
    ...more,
  };
}

function world(...registry: readonly Document[]) {
  const documents = memoryDocuments({ operations: ['operation_id'], registry: ['topic_name'] });
  documents.seed('registry', ...registry);
  return documents;
}

type World = ReturnType<typeof world>;

function steps(documents: DocumentStore) {
  const advance = (id: string, decide: Parameters<typeof advanceOperation>[4]) =>
    advanceOperation(documents, TABLES, id, () => NOW, decide);
  return {
    request: (one: Operation) => requestOperation(documents, TABLES, one),
    begin: (id: string, execution = 'execution-1') => advance(id, (facts) => beginOperation(facts, execution)),
    drained: (id: string) => advance(id, markDrained),
    succeed: (id: string) => advance(id, (facts) => finishOperation(facts, { outcome: 'SUCCEEDED' })),
    fail: (id: string, execution = 'execution-1') =>
      advance(id, (facts) => finishOperation(facts, { outcome: 'FAILED', error: 'no', executionArn: execution })),
    cancel: (id: string) => advance(id, (facts) => finishOperation(facts, { outcome: 'CANCELLED' })),
  };
}

/** What an execution does, without the Glue job. */
async function run(documents: DocumentStore, id: string): Promise<void> {
  const { drained, succeed } = steps(documents);
  await beginWhole(documents, id);
  await drained(id);
  await succeed(id);
}

/** Begins, and begins again after the Glue job has built what a rebuild builds. */
async function beginWhole(documents: DocumentStore, id: string, execution?: string): Promise<void> {
  const { begin } = steps(documents);
  const { step } = await begin(id, execution);
  if (step !== 'BUILDING') return;
  await documents.update(TABLES.operations, { operation_id: id }, { set: { step: 'BUILT' } }, equals('step', step));
  await begin(id, execution);
}

const topicOf = (documents: World) => documents.get('registry', { topic_name: TOPIC });
const lockOf = (documents: World) => documents.get('operations', lockKeyOf(TOPIC));
const through = (documents: World, gate: Interruption): DocumentStore => gate.through<DocumentStore>(documents);
const state = (documents: World) => Object.fromEntries([...documents.documents].sort());

async function held(...registry: readonly Document[]): Promise<World> {
  const documents = world(...registry);
  const hold = operation('hold');
  await steps(documents).request(hold);
  await run(documents, hold.operationId);
  return documents;
}

describe('a hold', () => {
  it('raises the epoch with the status, and keeps who, why and the status before', async () => {
    const documents = world(READY);
    const hold = operation('hold', { until: '2026-12-01T00:00:00Z' });
    await steps(documents).request(hold);
    await run(documents, hold.operationId);
    expect(await topicOf(documents)).toEqual({
      ...READY,
      status: 'MAINTENANCE',
      epoch: 1,
      hold: {
        operation_id: hold.operationId,
        by: hold.requestedBy,
        reason: hold.reason,
        since: NOW.toISOString(),
        until: hold.until,
        status_before: 'READY',
      },
      updated_at: NOW.toISOString(),
    });
    expect(await lockOf(documents)).toBeUndefined();
  });

  it('of a held topic only gives that hold another end, and is stale once it is over', async () => {
    const documents = await held(READY);
    const before = await topicOf(documents);
    const first = readHold(before)?.operationId ?? '';
    const later = operation('hold', { until: '2026-12-02T00:00:00Z', plan: { epoch: 1, extends: first } });
    await steps(documents).request(later);
    await run(documents, later.operationId);
    const after = await topicOf(documents);
    expect(after).toEqual({ ...before, hold: { ...(before?.['hold'] as Document), until: later.until } });
    const cancelled = operation('hold', { until: '2026-12-03T00:00:00Z', plan: { extends: first } });
    await steps(documents).request(cancelled);
    await steps(documents).begin(cancelled.operationId);
    await steps(documents).cancel(cancelled.operationId);
    expect(isHeld(await topicOf(documents))).toBe(true);
    const release = operation('release');
    await steps(documents).request(release);
    await run(documents, release.operationId);
    const stale = operation('hold', { until: '2026-12-02T00:00:00Z', plan: { extends: first } });
    await steps(documents).request(stale);
    await expect(steps(documents).begin(stale.operationId)).rejects.toThrow('PLAN_STALE');
  });

  it('gives a topic without an item one, which release leaves without a status', async () => {
    const documents = await held();
    expect(await topicOf(documents)).toMatchObject({
      table_name: 'telemetry_climate',
      status: 'MAINTENANCE',
      epoch: 1,
    });
    const release = operation('release');
    await steps(documents).request(release);
    await run(documents, release.operationId);
    expect(await topicOf(documents)).toEqual({
      topic_name: TOPIC,
      table_name: 'telemetry_climate',
      epoch: 1,
      released_at: NOW.toISOString(),
      updated_at: NOW.toISOString(),
    });
  });

  it('takes over a topic that somebody put into MAINTENANCE by hand, and release makes it READY', async () => {
    const documents = await held({ ...READY, status: 'MAINTENANCE' });
    const release = operation('release');
    await steps(documents).request(release);
    await run(documents, release.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'READY', epoch: 1 });
  });

  it('gives the status that fits the last verdict back', async () => {
    const documents = await held({ ...READY, status: 'ERROR', error_code: 'X' });
    await documents.update('registry', { topic_name: TOPIC }, { remove: ['error_code'] });
    const release = operation('release');
    await steps(documents).request(release);
    await run(documents, release.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'READY' });
  });

  it('ends with nothing changed when the topic was held since its plan, and gives the lock back', async () => {
    const documents = world({ ...READY, epoch: 3 });
    const { request, begin, fail } = steps(documents);
    const stale = operation('hold', { plan: { epoch: 2 } });
    await request(stale);
    await expect(begin(stale.operationId)).rejects.toMatchObject({ code: 'PLAN_STALE' });
    await fail(stale.operationId);
    expect(await topicOf(documents)).toEqual({ ...READY, epoch: 3 });
    expect(await lockOf(documents)).toBeUndefined();
    await expect(begin(stale.operationId)).rejects.toMatchObject({ code: 'LOCK_LOST' });
  });

  it.each([
    ['a second hold', 'hold', 'ALREADY_HELD'],
    ['a release of a topic that is not held', 'release', 'NOT_HELD'],
  ] as const)('refuses %s', async (_what, kind, code) => {
    const documents = kind === 'hold' ? await held(READY) : world(READY);
    const second = operation(kind);
    await steps(documents).request(second);
    await expect(steps(documents).begin(second.operationId)).rejects.toMatchObject({ code });
  });

  it('leaves a topic alone that is being rebuilt', async () => {
    for (const kind of ['hold', 'release', 'compact'] as const) {
      const documents = world({ ...READY, status: 'REBUILDING' });
      const one = operation(kind);
      await steps(documents).request(one);
      await expect(steps(documents).begin(one.operationId)).rejects.toBeInstanceOf(OperationRefusedError);
    }
  });
});

describe('a release', () => {
  it('that accepts a gap leaves its id with the topic, which says the cycles that may be missing', async () => {
    const documents = await held(READY);
    const release = operation('release', { plan: { accept_gap: true } });
    await steps(documents).request(release);
    await run(documents, release.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'READY', gap_accepted: release.operationId });
  });

  it('that is cancelled accepts nothing', async () => {
    const documents = await held(READY);
    const before = await topicOf(documents);
    const release = operation('release', { plan: { accept_gap: true } });
    await steps(documents).request(release);
    await steps(documents).begin(release.operationId);
    await steps(documents).cancel(release.operationId);
    expect(await topicOf(documents)).toEqual(before);
  });
});

describe('a compaction', () => {
  it('holds its topic for itself, and gives it back', async () => {
    const documents = world(READY);
    const { request, begin, succeed } = steps(documents);
    const compact = operation('compact');
    await request(compact);
    await begin(compact.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'MAINTENANCE', epoch: 1 });
    await succeed(compact.operationId);
    expect(await topicOf(documents)).toEqual({
      ...READY,
      epoch: 1,
      released_at: NOW.toISOString(),
      updated_at: NOW.toISOString(),
    });
  });

  it('leaves a topic held that was held before', async () => {
    const documents = await held(READY);
    const before = await topicOf(documents);
    const compact = operation('compact');
    await steps(documents).request(compact);
    await run(documents, compact.operationId);
    expect(await topicOf(documents)).toEqual(before);
  });

  it('that is cancelled gives its topic back with another epoch, as its job may still be at work', async () => {
    const documents = world(READY);
    const { request, begin, drained, cancel } = steps(documents);
    const compact = operation('compact');
    await request(compact);
    await begin(compact.operationId);
    await drained(compact.operationId);
    await cancel(compact.operationId);
    await cancel(compact.operationId);
    expect(await topicOf(documents)).toEqual({
      ...READY,
      epoch: 2,
      released_at: NOW.toISOString(),
      updated_at: NOW.toISOString(),
    });
  });

  it('that is cancelled raises the epoch of a topic that stays held, too', async () => {
    const documents = await held(READY);
    const before = await topicOf(documents);
    const { request, begin, cancel } = steps(documents);
    const compact = operation('compact');
    await request(compact);
    await begin(compact.operationId);
    await cancel(compact.operationId);
    expect(await topicOf(documents)).toEqual({ ...before, epoch: 2 });
  });

  it('that is cancelled before it began changes nothing', async () => {
    const documents = world(READY);
    const compact = operation('compact');
    await steps(documents).request(compact);
    await steps(documents).cancel(compact.operationId);
    expect(await topicOf(documents)).toEqual(READY);
  });
});

describe('a rewind', () => {
  it('gives its topic back, or keeps it as a hold of its own', async () => {
    const documents = world(READY);
    const given = operation('rewind');
    await steps(documents).request(given);
    await run(documents, given.operationId);
    expect(isHeld(await topicOf(documents))).toBe(false);
    const kept = operation('rewind', { plan: { hold_after: true } });
    await steps(documents).request(kept);
    await run(documents, kept.operationId);
    expect(readHold(await topicOf(documents))).toMatchObject({ operationId: kept.operationId, reason: kept.reason });
    const release = operation('release');
    await steps(documents).request(release);
    await run(documents, release.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'READY', epoch: 2 });
  });

  it('that is cancelled keeps nothing, whatever it was to keep', async () => {
    const documents = world(READY);
    const { request, begin, cancel } = steps(documents);
    const rewind = operation('rewind', { plan: { hold_after: true } });
    await request(rewind);
    await begin(rewind.operationId);
    await cancel(rewind.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'READY', epoch: 2 });
  });
});

describe('a rebuild', () => {
  it('leaves its topic to cycles while it builds, and holds it when that is done', async () => {
    const documents = world(READY);
    const { request, begin, drained, succeed } = steps(documents);
    const rebuild = operation('rebuild', { plan: { epoch: 0 } });
    await request(rebuild);
    expect(await begin(rebuild.operationId)).toMatchObject({ step: 'BUILDING' });
    expect(await begin(rebuild.operationId)).toMatchObject({ step: 'BUILDING' });
    expect(isHeld(await topicOf(documents))).toBe(false);
    await expect(request(operation('hold'))).resolves.toBe(false);
    await beginWhole(documents, rebuild.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'MAINTENANCE', epoch: 1 });
    await drained(rebuild.operationId);
    await succeed(rebuild.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'READY', epoch: 1 });
    expect(await lockOf(documents)).toBeUndefined();
  });

  it('that failed or is cancelled while it builds has held nothing', async () => {
    const documents = world(READY);
    const { request, begin, fail, cancel } = steps(documents);
    const rebuild = operation('rebuild');
    await request(rebuild);
    await begin(rebuild.operationId);
    await fail(rebuild.operationId);
    expect(await lockOf(documents)).toBeDefined();
    expect(await begin(rebuild.operationId, 'execution-2')).toMatchObject({ step: 'BUILDING', state: 'RUNNING' });
    await cancel(rebuild.operationId);
    expect(await topicOf(documents)).toEqual({ ...READY, epoch: 0 });
    expect(await lockOf(documents)).toBeUndefined();
  });
});

describe('an erasure', () => {
  const withKeys = async (stale = false) => {
    const documents = world(READY);
    const one = operation('forget', stale ? { plan: { epoch: 7 } } : {});
    await steps(documents).request(one);
    await documents.put('operations', { ...forgottenKeysOf(one.operationId), keys: ['kim'] });
    const keys = () => documents.get('operations', forgottenKeysOf(one.operationId));
    return { documents, id: one.operationId, keys };
  };

  it('keeps its keys while it may be resumed, and has none when it is done or cancelled', async () => {
    for (const end of ['succeed', 'cancel'] as const) {
      const { documents, id, keys } = await withKeys();
      const { begin, drained, fail, ...ends } = steps(documents);
      await begin(id);
      await drained(id);
      await fail(id);
      await expect(keys()).resolves.toBeDefined();
      await begin(id, 'execution-2');
      await ends[end](id);
      await expect(keys()).resolves.toBeUndefined();
    }
  });

  it('that never began has no keys either, and one whose job has deleted them ends as well', async () => {
    const refused = await withKeys(true);
    const { begin, fail } = steps(refused.documents);
    await expect(begin(refused.id)).rejects.toThrow(OperationRefusedError);
    await fail(refused.id);
    await expect(refused.keys()).resolves.toBeUndefined();

    const done = await withKeys();
    await done.documents.delete('operations', forgottenKeysOf(done.id));
    await run(done.documents, done.id);
    await expect(done.keys()).resolves.toBeUndefined();
  });
});

describe('a failed operation', () => {
  it('keeps its lock until it is resumed, and ends as if it had not failed', async () => {
    const documents = world(READY);
    const { request, begin, fail } = steps(documents);
    const hold = operation('hold');
    await request(hold);
    await begin(hold.operationId);
    await fail(hold.operationId);
    expect(await documents.get('operations', { operation_id: hold.operationId })).toMatchObject({
      state: 'FAILED',
      step: 'BEGUN',
      error: 'no',
    });
    await expect(request(operation('hold'))).resolves.toBe(false);
    await begin(hold.operationId, 'execution-2');
    const resumed = await documents.get('operations', { operation_id: hold.operationId });
    expect(resumed).toMatchObject({ state: 'RUNNING', execution_arn: 'execution-2' });
    expect(resumed).not.toHaveProperty('error');
    expect(resumed).not.toHaveProperty('ended_at');
    // The first execution may still say that it failed: the second one has taken the operation up.
    await expect(fail(hold.operationId, 'execution-1')).rejects.toMatchObject({ code: 'EXECUTION_SUPERSEDED' });
    await run(documents, hold.operationId);
    expect(await topicOf(documents)).toMatchObject({ status: 'MAINTENANCE', epoch: 1 });
    expect(await lockOf(documents)).toBeUndefined();
  });

  it('that is cancelled gives the topic back, and cannot be taken up again', async () => {
    const documents = world(READY);
    const { request, begin, cancel, succeed, drained } = steps(documents);
    const hold = operation('hold');
    await request(hold);
    await begin(hold.operationId);
    await cancel(hold.operationId);
    expect(await topicOf(documents)).toEqual({
      ...READY,
      epoch: 1,
      released_at: NOW.toISOString(),
      updated_at: NOW.toISOString(),
    });
    expect(await lockOf(documents)).toBeUndefined();
    for (const step of [begin, drained, succeed]) {
      await expect(step(hold.operationId)).rejects.toMatchObject({ code: 'OPERATION_ENDED' });
    }
  });
});

describe('killed at any call and run again', () => {
  const CANCELLED = ['cancelled hold', 'cancelled compact', 'cancelled rebuild'] as const;
  const KINDS = ['hold', 'release', 'compact', 'rewind', 'rebuild', 'replay', ...CANCELLED] as const;
  const prepared = (kind: (typeof KINDS)[number]) => (kind === 'release' ? held(READY) : Promise.resolve(world(READY)));

  async function perform(documents: DocumentStore, kind: (typeof KINDS)[number], one: Operation): Promise<void> {
    await steps(documents).request(one);
    if (!kind.startsWith('cancelled')) return run(documents, one.operationId);
    // A run that comes again finds it cancelled, and then there is nothing to begin.
    await steps(documents)
      .begin(one.operationId)
      .catch((error: unknown) => {
        if (!(error instanceof OperationRefusedError)) throw error;
      });
    await steps(documents).cancel(one.operationId);
  }

  it.each(KINDS)('%s: ends as an undisturbed run does', async (kind) => {
    const one = operation(OPERATION_KINDS.find((known) => kind.endsWith(known)) ?? 'hold');
    ids = 100;
    const undisturbed = await prepared(kind);
    const counting = interruption(Infinity, 'before');
    await perform(through(undisturbed, counting), kind, one);
    expect(counting.calls()).toBeGreaterThan(6);
    for (const moment of ['before', 'after'] as const) {
      for (let at = 1; at <= counting.calls(); at += 1) {
        for (let again = at; again <= counting.calls(); again += 3) {
          ids = 100;
          const documents = await prepared(kind);
          for (const gate of [interruption(at, moment), interruption(again, moment), interruption(Infinity, moment)]) {
            await perform(through(documents, gate), kind, one).catch((error: unknown) => {
              // One that had begun and ended before it died cannot begin again, which is its end state.
              const isOver = error instanceof OperationRefusedError && error.code === 'OPERATION_ENDED';
              if (!(error instanceof KilledError) && !isOver) throw error;
            });
          }
          expect({ at, again, state: state(documents) }).toEqual({ at, again, state: state(undisturbed) });
        }
      }
    }
  });
});

describe('any number of operators and executions at once', () => {
  it('keep one operation a topic, an epoch that only grows, and a topic that is held or not', async () => {
    const kinds = fc.constantFrom<OperationKind>('hold', 'release', 'compact', 'rewind', 'rebuild', 'replay');
    const life = fc.record({
      kind: kinds,
      fails: fc.boolean(),
      cancels: fc.boolean(),
      diesAt: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(life, { minLength: 2, maxLength: 5 }), async (scheduler, lives) => {
        const documents = world(READY);
        let epoch = 0;
        const check = (): void => {
          const items = [...documents.documents.values()];
          const topic = items.find((item) => item['topic_name'] === TOPIC) ?? {};
          const now = Number(topic['epoch'] ?? 0);
          expect(now).toBeGreaterThanOrEqual(epoch);
          epoch = now;
          expect(isHeld(topic)).toBe(topic['hold'] !== undefined);
          const holder = items.find((item) => item['holder'] !== undefined)?.['holder'];
          const atWork = items.filter((item) => item['step'] !== undefined && item['state'] === 'RUNNING');
          expect(atWork.map((item) => item['operation_id'])).toEqual(atWork.length > 0 ? [holder] : []);
          // Without an operation at work or failed, only a hold holds a topic.
          const holds = topic['hold'] as { operation_id?: string } | undefined;
          if (holder === undefined) expect(holds?.operation_id ?? '-hold-').toContain('-hold-');
        };
        const taking = <T extends object>(port: T): T =>
          new Proxy(port, {
            get: (target, name, receiver) => {
              const member: unknown = Reflect.get(target, name, receiver);
              return (...args: unknown[]) =>
                scheduler
                  .schedule(Promise.resolve(), String(name))
                  .then(() => (member as (...given: unknown[]) => Promise<unknown>).apply(target, args))
                  .then((answer) => {
                    check();
                    return answer;
                  });
            },
          });
        const live = async ({
          kind,
          fails,
          cancels,
          diesAt,
        }: typeof life extends fc.Arbitrary<infer L> ? L : never) => {
          const one = operation(kind);
          const gate = interruption(diesAt, 'after');
          const ports = gate.through<DocumentStore>(taking<DocumentStore>(documents));
          const { request, fail, cancel } = steps(ports);
          if (!(await request(one))) return;
          await run(ports, one.operationId).catch(async (error: unknown) => {
            if (!(error instanceof OperationRefusedError)) throw error;
            await fail(one.operationId);
          });
          if (fails) await fail(one.operationId);
          if (cancels) await cancel(one.operationId);
        };
        await scheduler.waitFor(Promise.allSettled(lives.map(live)));
        // Whatever died is taken up again or cancelled, and in the end no topic is locked.
        for (const { operation_id: id, state: now } of [...documents.documents.values()]) {
          if (typeof id !== 'string' || (now !== 'RUNNING' && now !== 'FAILED')) continue;
          await run(documents, id).catch(() => steps(documents).cancel(id));
        }
        check();
        expect(await lockOf(documents)).toBeUndefined();
      }),
      { numRuns: budget({ eachRun: 100, thorough: 2_000 }) },
    );
  });
});
