import { describe, expect, it } from '@jest/globals';
import {
  lockKeyOf,
  operationItem,
  readOperation,
  waitingUploadItem,
  type Document,
  type DocumentValue,
} from '@lean-ops/common/core';
import type { Operation, TopicName } from '@lean-ops/common/core';
import { fakeClock, memoryDocuments, recordingLog, recordingMetrics } from '@lean-ops/common/testing';
import { seeToTopics } from '../src/see-to-topics';

const RESOURCES = {
  operationsTable: 'operations',
  registryTable: 'registry',
  operationTimeoutSeconds: 18_000,
  schemaBucket: 'schemas-bucket',
  holdsBadTopics: false,
};
const HOUR = 3_600_000;
const UPLOAD = { etag: 'e', sequencer: 's', since: '2026-11-30T06:20:00.000Z', bytes: 4, versionId: 'v', at: 'a' };

function world() {
  const documents = memoryDocuments({ operations: ['operation_id'] });
  const [log, metrics] = [recordingLog(), recordingMetrics()];
  const clock = fakeClock();
  const now = (): number => clock.now();
  const invoked: DocumentValue[] = [];
  const started: string[] = [];
  return {
    documents,
    log,
    metrics,
    invoked,
    started,
    now,
    /** Has an operation with a lock on a topic, whose state last changed so long ago. */
    operation(topic: string, state: Operation['state'], agoMs: number): void {
      const operationId = `20261130T062500Z-hold-${topic}`;
      const at = new Date(now() - agoMs).toISOString();
      const operation: Operation = {
        operationId,
        kind: 'hold',
        topic: topic as TopicName,
        state,
        step: 'BEGUN',
        requestedBy: 'ada',
        reason: 'r',
        plan: {},
        planDigest: 'd',
        counts: {},
        requestedAt: at,
        updatedAt: at,
        recorded: false,
      };
      documents.seed('operations', operationItem(operation), { ...lockKeyOf(topic), holder: operationId, since: at });
    },
    see: (
      registry: readonly Document[],
      invoke?: () => Promise<void>,
      checkpoints: readonly Document[] = [],
      { holdsBadTopics = false, failsToStart = false } = {},
    ) =>
      seeToTopics(
        { registry, checkpoints, now: now() },
        { ...RESOURCES, holdsBadTopics },
        {
          documents,
          machine: {
            start: (name) => {
              if (failsToStart) return Promise.reject(new Error('killed'));
              started.push(name);
              return Promise.resolve(`arn:${name}`);
            },
          },
          invokeValidator:
            invoke ??
            ((event) => {
              invoked.push(event);
              return Promise.resolve();
            }),
        },
        { log, metrics },
      ),
  };
}

const held = (topic: string): Document => ({ topic_name: topic, status: 'MAINTENANCE' });

describe('rewinds that the jobs propose', () => {
  const proposals = [
    { topic_name: 'bad', since: '2026-11-23T09:00:00+00:00', cycle_id: 'c2', to_cycle: 'c1', error: '30 of 40 …' },
  ];
  const checkpoints: readonly Document[] = [{ topic_name: '*', layer: 'curated', proposals }];

  it('are counted and named with their command, until somebody has released the topic', async () => {
    const w = world();
    await w.see([{ topic_name: 'bad', status: 'READY' }], undefined, checkpoints);
    expect(w.metrics.counts['RewindsProposed']).toBe(1);
    expect(w.log.lines).toEqual([
      expect.objectContaining({
        message: 'rewinds proposed',
        fields: {
          topics: 1,
          first_topics: [expect.objectContaining({ topic_name: 'bad', command: 'lean-ops topic rewind bad --to c1' })],
        },
      }),
    ]);
  });

  it('are counted as none once the topic was released, which ends the alarm', async () => {
    const w = world();
    await w.see([{ topic_name: 'bad', released_at: '2026-11-23T09:00:01.000Z' }], undefined, checkpoints);
    expect(w.metrics.counts['RewindsProposed']).toBe(0);
    expect(w.log.lines).toEqual([]);
  });
});

describe('topics after a bad cycle', () => {
  const note = (topic: string) => ({
    topic_name: topic,
    since: '2026-11-23T09:00:00+00:00',
    cycle_id: 'c2',
    to_cycle: 'c1',
    error: '30 of 40 messages were rejected',
  });
  const bad: readonly Document[] = [{ topic_name: '*', layer: 'curated', proposals: [note('bad')] }];
  const registry: readonly Document[] = [{ topic_name: 'bad', status: 'READY', epoch: 4 }];
  const holds = { holdsBadTopics: true };

  it('are held once, with the reason and the way back', async () => {
    const w = world();
    await w.see(registry, undefined, bad, holds);
    await w.see(registry, undefined, bad, holds);
    const [id = ''] = w.started;
    expect(id).toMatch(/^20261123T090000Z-hold-[0-9a-f]{6}$/);
    // Step Functions knows an execution by its name: to start it again gives the first one.
    expect(new Set(w.started).size).toBe(1);
    expect(readOperation(await w.documents.get('operations', { operation_id: id }))).toMatchObject({
      kind: 'hold',
      topic: 'bad',
      step: 'REQUESTED',
      requestedBy: 'lean-ops',
      reason: 'cycle c2 was bad: 30 of 40 messages were rejected; to take it back: lean-ops topic rewind bad --to c1',
      plan: { topic: 'bad', table_name: 'bad', epoch: 4, status: 'READY' },
    });
  });

  it('are held by the next run where one died before the start', async () => {
    const w = world();
    await w.see(registry, undefined, bad, { ...holds, failsToStart: true });
    expect(w.metrics.counts['TopicsNotHeld']).toBe(1);
    await w.see(registry, undefined, bad, holds);
    expect(w.started).toHaveLength(1);
  });

  it('are left to whoever has them, and where the variable does not say so', async () => {
    const w = world();
    await w.see(registry, undefined, bad);
    await w.see([{ topic_name: 'bad', status: 'MAINTENANCE' }], undefined, bad, holds);
    w.operation('bad', 'RUNNING', 0);
    await w.see(registry, undefined, bad, holds);
    expect(w.started).toEqual([]);
    expect(w.metrics.counts).not.toHaveProperty('TopicsNotHeld');
  });
});

describe('operations that have a held topic', () => {
  it('are counted once they failed, or have not changed for longer than an execution lasts', async () => {
    const w = world();
    w.operation('failed', 'FAILED', 0);
    w.operation('dead', 'RUNNING', 5 * HOUR + 1_000);
    w.operation('at-work', 'RUNNING', 4 * HOUR);
    await w.see(['failed', 'dead', 'at-work', 'no-operation'].map(held));
    expect(w.metrics.counts['OperationsStalled']).toBe(2);
    expect(w.log.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: 'operations stalled',
        fields: expect.objectContaining({
          first_operations: [
            expect.objectContaining({ topic_name: 'dead', state: 'RUNNING', step: 'BEGUN' }),
            expect.objectContaining({ topic_name: 'failed', state: 'FAILED' }),
          ],
        }),
      }),
    ]);
  });

  it('count also where uploads wait for a rebuild that has not held its topic yet', async () => {
    const w = world();
    w.operation('breaking', 'FAILED', 0);
    await w.see([{ topic_name: 'breaking', status: 'READY', activating: 'breaking' }]);
    expect(w.metrics.counts['OperationsStalled']).toBe(1);
  });

  it('are counted as none once nobody is held up, which ends the alarm', async () => {
    const w = world();
    w.operation('released', 'FAILED', 0);
    await w.see([{ topic_name: 'released', status: 'READY' }]);
    expect(w.metrics.counts).toEqual({ HoldsOverdue: 0, RewindsProposed: 0, OperationsStalled: 0 });
    expect(w.log.lines).toEqual([]);
  });

  it('stop no cycle when they cannot be read', async () => {
    const w = world();
    w.documents.get = () => Promise.reject(new Error('AccessDenied'));
    await w.see([held('a')]);
    expect(w.metrics.counts).toEqual({ HoldsOverdue: 0, RewindsProposed: 0, OperationsUnknown: 1 });
    expect(w.log.lines).toEqual([expect.objectContaining({ message: 'operations not looked at' })]);
  });
});

describe('a schema upload that waits', () => {
  const item = (changes: Document): Document => ({
    topic_name: 'telemetry.climate',
    status: 'READY',
    waiting_upload: waitingUploadItem(UPLOAD),
    ...changes,
  });

  it('is delivered again once its topic is not held, whoever released it', async () => {
    const w = world();
    await w.see([item({})]);
    expect(w.invoked).toEqual([
      {
        source: 'aws.s3',
        'detail-type': 'Object Created',
        time: 'a',
        detail: {
          bucket: { name: 'schemas-bucket' },
          object: {
            key: 'schemas/telemetry.climate/pending/schema.json',
            size: 4,
            etag: 'e',
            sequencer: 's',
            'version-id': 'v',
          },
        },
      },
    ]);
    expect(w.metrics.counts).toMatchObject({ UploadsDeliveredAgain: 1 });
  });

  it('is delivered where it asked for the operation that has its topic, and waits on for that of another one', async () => {
    const w = world();
    const activating = '20261123T100000Z-rebuild-0000aa';
    await w.see([item({ activating })]);
    expect(w.invoked).toEqual([]);
    await w.see([item({ activating, waiting_upload: waitingUploadItem({ ...UPLOAD, rebuild: activating }) })]);
    expect(w.invoked).toHaveLength(1);
  });

  it('waits on while its topic is held, or altered for another upload', async () => {
    const w = world();
    const ddl = { by: 'other', since: '', expires_at: Math.floor(w.now() / 1_000) + 60 };
    await w.see([item({ status: 'MAINTENANCE' }), item({ ddl })]);
    expect(w.invoked).toEqual([]);
  });

  it('does not keep a cycle from going on when the validator cannot be invoked', async () => {
    const w = world();
    await w.see([item({}), item({ topic_name: 'other' })], () => Promise.reject(new Error('AccessDenied')));
    expect(w.metrics.counts).toMatchObject({ UploadsNotDelivered: 2 });
  });
});
