import { describe, expect, it } from '@jest/globals';
import { getOperation, requestOperation } from '@lean-ops/common/aws';
import {
  operationIdOf,
  waitingUploadItem,
  type Document,
  type DocumentValue,
  type Operation,
  type OperationKind,
  type TopicName,
} from '@lean-ops/common/core';
import { fakeClock, interruption, KilledError, memoryDocuments } from '@lean-ops/common/testing';
import { begin, drained, finish, finishFailed, orRefusal, type Collaborators, type Resources } from '../src/steps';

const RESOURCES: Resources = {
  tables: { operations: 'operations', registry: 'registry' },
  checkpointTable: 'checkpoints',
  schemaBucket: 'schemas-bucket',
};
const TOPIC = 'telemetry.climate' as TopicName;
const NOW = Date.parse('2026-11-30T06:25:00Z');
const READY = { topic_name: TOPIC, table_name: 'telemetry_climate', status: 'READY', processing_enabled: true };
const UPLOAD = {
  etag: 'abc',
  sequencer: '0055AED6DCD90281E5'.padEnd(32, '0'),
  since: '2026-11-30T06:20:00.000Z',
  bytes: 400,
  versionId: 'v1',
  at: '2026-11-30T06:19:58.000Z',
};

function world(item: Document = READY) {
  const documents = memoryDocuments({
    operations: ['operation_id'],
    registry: ['topic_name'],
    checkpoints: ['topic_name', 'layer'],
  });
  documents.seed('registry', item);
  const clock = fakeClock(NOW);
  const invoked: DocumentValue[] = [];
  const invokeValidator = (event: DocumentValue): Promise<void> => {
    invoked.push(event);
    return Promise.resolve();
  };
  const deps: Collaborators = { documents, clock, invokeValidator };
  return {
    documents,
    clock,
    invoked,
    deps,
    topic: () => documents.get('registry', { topic_name: TOPIC }),
    lease: (cycleId: string) =>
      documents.seed('checkpoints', {
        topic_name: '*',
        layer: 'lease',
        owner: 'execution',
        cycle_id: cycleId,
        expires_at: NOW / 1_000 + 7_200,
      }),
    async request(kind: OperationKind): Promise<string> {
      const operation: Operation = {
        operationId: operationIdOf(new Date(clock.now()), kind, 'ab12cd'),
        kind,
        topic: TOPIC,
        state: 'RUNNING',
        step: 'REQUESTED',
        requestedBy: 'arn:aws:iam::1:user/ada',
        reason: 'a new sensor',
        plan: {},
        planDigest: 'd',
        counts: {},
        requestedAt: new Date(clock.now()).toISOString(),
        updatedAt: new Date(clock.now()).toISOString(),
        recorded: false,
      };
      await requestOperation(documents, RESOURCES.tables, operation);
      return operation.operationId;
    },
  };
}

const beginning = (operationId: string) => ({ action: 'begin', operationId, executionArn: 'execution-1' }) as const;
const failing = (operationId: string, executionArn = 'execution-1') =>
  ({ action: 'finish', operationId, outcome: 'FAILED', executionArn, error: 'no' }) as const;

async function held(item?: Document) {
  const w = world(item);
  const id = await w.request('hold');
  await begin(beginning(id), RESOURCES, w.deps);
  await drained(id, RESOURCES, w.deps);
  await finish(id, { outcome: 'SUCCEEDED' }, RESOURCES, w.deps);
  w.clock.pass(60_000);
  return w;
}

describe('orRefusal', () => {
  it('gives a refusal as the answer, by which the operation ends and gives its topic back', async () => {
    const w = await held();
    const id = await w.request('hold');
    const answer = await orRefusal(() => begin(beginning(id), RESOURCES, w.deps));
    expect(answer).toEqual({
      refused: true,
      code: 'ALREADY_HELD',
      message: expect.stringMatching(/^ALREADY_HELD: telemetry\.climate is held by /),
    });
    const refused = { ...failing(id), outcome: 'REFUSED' } as const;
    await expect(finishFailed(refused, RESOURCES, w.deps)).resolves.toMatchObject({ state: 'FAILED' });
    await expect(w.documents.get('operations', { operation_id: `topic#${TOPIC}` })).resolves.toBeUndefined();
  });

  it('gives answers as they are, and throws everything else', async () => {
    await expect(orRefusal(() => Promise.resolve({ state: 'DONE' }))).resolves.toEqual({ state: 'DONE' });
    await expect(orRefusal(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});

describe('what readers are told', () => {
  it('is what an operation has changed of the tables, when it has succeeded', async () => {
    const w = world();
    const id = await w.request('rewind');
    await begin(beginning(id), RESOURCES, w.deps);
    await drained(id, RESOURCES, w.deps);
    const layers = { curated: { snapshot_before: '8', snapshot_after: '7', rows_before: 2, rows_after: 1 } };
    const counts = { epoch: 1, layers, cycles_waiting: 1 };
    await w.documents.update('operations', { operation_id: id }, { set: { step: 'APPLIED', counts } });
    const told = {
      operation_id: id,
      kind: 'rewind',
      topic: TOPIC,
      table_name: 'telemetry_climate',
      requested_at: '2026-11-30T06:25:00.000Z',
      ended_at: '2026-11-30T06:25:00.000Z',
      layers,
    };
    await expect(finish(id, { outcome: 'SUCCEEDED' }, RESOURCES, w.deps)).resolves.toMatchObject({ change: told });
    w.clock.pass(60_000);
    // An execution that died before it could say so comes again.
    await expect(finish(id, { outcome: 'SUCCEEDED' }, RESOURCES, w.deps)).resolves.toMatchObject({ change: told });
  });

  it('is nothing of an operation that changes no rows, or was cancelled', async () => {
    const w = world();
    const hold = await w.request('hold');
    await begin(beginning(hold), RESOURCES, w.deps);
    const held = await finish(hold, { outcome: 'SUCCEEDED' }, RESOURCES, w.deps);
    expect(held).not.toHaveProperty('change');
    const id = await w.request('undo');
    await begin(beginning(id), RESOURCES, w.deps);
    expect(await finish(id, { outcome: 'CANCELLED' }, RESOURCES, w.deps)).not.toHaveProperty('change');
  });
});

describe('drained', () => {
  it('waits for the cycle that began before the hold, and asks less often after ten minutes', async () => {
    const w = world();
    w.lease('20261130T062400Z-aaaaaaaa');
    const id = await w.request('hold');
    await begin(beginning(id), RESOURCES, w.deps);
    await expect(drained(id, RESOURCES, w.deps)).resolves.toEqual({ drained: false, wait_seconds: 5 });
    w.clock.pass(601_000);
    await expect(drained(id, RESOURCES, w.deps)).resolves.toEqual({ drained: false, wait_seconds: 30 });
    w.lease('20261130T063500Z-bbbbbbbb');
    await expect(drained(id, RESOURCES, w.deps)).resolves.toEqual({ drained: true, activates: false });
    expect(await getOperation(w.documents, RESOURCES.tables, id)).toMatchObject({ step: 'DRAINED' });
    // A lease that is taken later changes nothing any more.
    w.lease('20261130T062400Z-aaaaaaaa');
    await expect(drained(id, RESOURCES, w.deps)).resolves.toEqual({ drained: true, activates: false });
  });

  it('waits for the DDL of a schema upload, and no longer than that may last', async () => {
    const w = world({ ...READY, ddl: { by: '7', since: '', expires_at: NOW / 1_000 + 900 } });
    const id = await w.request('hold');
    await begin(beginning(id), RESOURCES, w.deps);
    await expect(drained(id, RESOURCES, w.deps)).resolves.toMatchObject({ drained: false });
    w.clock.pass(900_000);
    await expect(drained(id, RESOURCES, w.deps)).resolves.toEqual({ drained: true, activates: false });
  });

  it('throws for an operation that is not there', async () => {
    await expect(drained('20261130T062500Z-hold-ab12cd', RESOURCES, world().deps)).rejects.toMatchObject({
      code: 'OPERATION_UNKNOWN',
    });
  });
});

describe('finish', () => {
  const waiting = { ...READY, waiting_upload: waitingUploadItem(UPLOAD) };

  it('of a release gives the upload that waits to the validator, as its event was', async () => {
    const w = await held(waiting);
    expect(w.invoked).toEqual([]);
    const id = await w.request('release');
    await begin(beginning(id), RESOURCES, w.deps);
    await drained(id, RESOURCES, w.deps);
    const done = await finish(id, { outcome: 'SUCCEEDED' }, RESOURCES, w.deps);
    expect(done).toMatchObject({ state: 'DONE', step: 'ENDED', redelivered: true });
    expect(w.invoked).toEqual([
      {
        source: 'aws.s3',
        'detail-type': 'Object Created',
        time: UPLOAD.at,
        detail: {
          bucket: { name: 'schemas-bucket' },
          object: {
            key: 'schemas/telemetry.climate/pending/schema.json',
            size: 400,
            etag: 'abc',
            sequencer: UPLOAD.sequencer,
            'version-id': 'v1',
          },
        },
      },
    ]);
  });

  it('of a hold that is cancelled does so too', async () => {
    const w = world(waiting);
    const id = await w.request('hold');
    await begin(beginning(id), RESOURCES, w.deps);
    await expect(finish(id, { outcome: 'CANCELLED' }, RESOURCES, w.deps)).resolves.toMatchObject({ redelivered: true });
    expect(await w.topic()).toMatchObject({ status: 'READY' });
  });

  it('gives it again when it was killed after the release, and in no case loses it', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let at = 1; at <= 9; at += 1) {
        const w = await held(waiting);
        const id = await w.request('release');
        await begin(beginning(id), RESOURCES, w.deps);
        await drained(id, RESOURCES, w.deps);
        const gate = interruption(at, moment);
        const deps = {
          ...w.deps,
          documents: gate.through<Collaborators['documents']>(w.documents),
          invokeValidator: gate.throughFunction(w.deps.invokeValidator),
        };
        await finish(id, { outcome: 'SUCCEEDED' }, RESOURCES, deps).catch((error: unknown) => {
          if (!(error instanceof KilledError)) throw error;
        });
        await finish(id, { outcome: 'SUCCEEDED' }, RESOURCES, w.deps);
        expect(w.invoked.length).toBeGreaterThanOrEqual(1);
        expect(await w.topic()).toMatchObject({ status: 'READY' });
        expect(await w.topic()).not.toHaveProperty('hold');
      }
    }
  });
});

describe('finishFailed', () => {
  it('keeps the error and the lock', async () => {
    const w = world();
    const id = await w.request('hold');
    await begin(beginning(id), RESOURCES, w.deps);
    await expect(finishFailed(failing(id), RESOURCES, w.deps)).resolves.toMatchObject({ state: 'FAILED' });
    expect(await getOperation(w.documents, RESOURCES.tables, id)).toMatchObject({ state: 'FAILED', error: 'no' });
    expect(await w.documents.get('operations', { operation_id: `topic#${TOPIC}` })).toMatchObject({ holder: id });
  });

  it('gives the upload that waits for it to the validator where it never began, as its topic is free again', async () => {
    const w = world({ ...READY, waiting_upload: waitingUploadItem(UPLOAD) });
    const id = await w.request('hold');
    await expect(finishFailed(failing(id), RESOURCES, w.deps)).resolves.toMatchObject({ redelivered: true });
    expect(w.invoked).toHaveLength(1);
  });

  it('changes nothing about an operation that ended, or that another execution has taken up', async () => {
    const w = world();
    const id = await w.request('hold');
    await begin(beginning(id), RESOURCES, w.deps);
    await expect(finishFailed(failing(id, 'execution-0'), RESOURCES, w.deps)).resolves.toBeUndefined();
    await finish(id, { outcome: 'SUCCEEDED' }, RESOURCES, w.deps);
    await expect(finishFailed(failing(id), RESOURCES, w.deps)).resolves.toBeUndefined();
    expect(await getOperation(w.documents, RESOURCES.tables, id)).toMatchObject({ state: 'DONE' });
  });
});
