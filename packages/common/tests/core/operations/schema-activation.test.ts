/** Operations that make a schema active: the mark on their topic, and when they can no longer be cancelled. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { advanceOperation, requestOperation } from '../../../src/aws';
import {
  beginOperation,
  buildProgressOf,
  finishOperation,
  isRejectionBound,
  isSwapping,
  markDrained,
  rebuildForUpload,
  rebuildIdOf,
  type BreakingUpload,
  type Document,
  type Operation,
  type TopicName,
} from '../../../src/core';
import { memoryDocuments } from '../../../src/testing';

const TABLES = { operations: 'operations', registry: 'registry' };
const TOPIC = 'telemetry.climate' as TopicName;
const NOW = new Date('2026-11-30T06:25:00Z');
const ID = '20261130T062500Z-rebuild-ab12cd';
const ACTIVATES: Document = { activates: true, schema_key: `schemas/${TOPIC}/operations/a.json` };

const rebuild = (plan: Document = ACTIVATES): Operation => ({
  operationId: ID,
  kind: 'rebuild',
  topic: TOPIC,
  state: 'RUNNING',
  step: 'REQUESTED',
  requestedBy: 'arn:aws:iam::1:user/ada',
  reason: 'a new sensor',
  plan,
  planDigest: 'd',
  counts: {},
  requestedAt: NOW.toISOString(),
  updatedAt: NOW.toISOString(),
  recorded: false,
});

async function world(plan?: Document) {
  const documents = memoryDocuments({ operations: ['operation_id'], registry: ['topic_name'] });
  documents.seed('registry', { topic_name: TOPIC, table_name: 'telemetry_climate', status: 'READY' });
  await requestOperation(documents, TABLES, rebuild(plan));
  const advance = (decide: Parameters<typeof advanceOperation>[4]) =>
    advanceOperation(documents, TABLES, ID, () => NOW, decide);
  return {
    topic: () => documents.get('registry', { topic_name: TOPIC }),
    set: (changes: Document) => documents.update('operations', { operation_id: ID }, { set: changes }),
    setTopic: (changes: Document) => documents.update('registry', { topic_name: TOPIC }, { set: changes }),
    begin: () => advance((facts) => beginOperation(facts, 'execution-1')),
    drained: () => advance(markDrained),
    finish: (outcome: 'SUCCEEDED' | 'CANCELLED') => advance((facts) => finishOperation(facts, { outcome })),
  };
}

describe('an operation that makes a schema active', () => {
  it('marks its topic from the build on, until it ends', async () => {
    const w = await world();
    await w.begin();
    expect(await w.topic()).toMatchObject({ activating: ID, status: 'READY' });
    await w.set({ step: 'BUILT' });
    await w.begin();
    expect(await w.topic()).toMatchObject({ activating: ID, status: 'MAINTENANCE' });
    await w.drained();
    await w.set({ step: 'APPLIED' });
    await w.finish('SUCCEEDED');
    expect(await w.topic()).toMatchObject({ status: 'READY' });
    expect(await w.topic()).not.toHaveProperty('activating');
  });

  it.each(['REQUESTED', 'BUILDING', 'BUILT', 'BEGUN', 'DRAINED'])(
    'takes its mark off when cancelled at %s',
    async (step) => {
      const w = await world();
      if (step !== 'REQUESTED') await w.begin();
      if (step !== 'REQUESTED' && step !== 'BUILDING') await w.set({ step: 'BUILT' });
      if (step === 'BEGUN' || step === 'DRAINED') await w.begin();
      if (step === 'DRAINED') await w.drained();
      await w.finish('CANCELLED');
      expect(await w.topic()).toMatchObject({ status: 'READY' });
      expect(await w.topic()).not.toHaveProperty('activating');
    },
  );

  it.each(['REQUESTED', 'BUILT', 'BEGUN'])(
    'is refused at %s once another schema has become active than its plan was made under',
    async (step) => {
      const w = await world({ ...ACTIVATES, active_version: 1 });
      await w.setTopic({ schema_version: 1 });
      if (step !== 'REQUESTED') await w.begin();
      if (step !== 'REQUESTED') await w.set({ step: 'BUILT' });
      if (step === 'BEGUN') await w.begin();
      await w.setTopic({ schema_version: 2 });
      const next = step === 'BEGUN' ? w.drained : w.begin;
      await expect(next()).rejects.toMatchObject({ code: 'PLAN_STALE' });
    },
  );

  it('is not cancelled any more once its job swaps, and marks nothing where it changes no schema', async () => {
    const w = await world({});
    await w.begin();
    expect(await w.topic()).not.toHaveProperty('activating');
    await w.set({ step: 'BUILT' });
    await w.begin();
    await w.drained();
    await w.set({ counts: { swapping: true } });
    await expect(w.finish('CANCELLED')).rejects.toMatchObject({ code: 'SWAPPING' });
    await w.set({ step: 'APPLIED', counts: {} });
    await expect(w.finish('CANCELLED')).rejects.toMatchObject({ code: 'SWAPPING' });
    await expect(w.finish('SUCCEEDED')).resolves.toMatchObject({ state: 'DONE' });
  });
});

describe('an operation that changes tables', () => {
  const of = (kind: Operation['kind'], activates: boolean, counts: Operation['counts'] = {}): boolean =>
    isSwapping({ kind, step: 'DRAINED', counts, plan: activates ? { activates, schema_key: 'k' } : {} });

  it('is swapping from when its job notes that, where the tables go with one schema only', () => {
    expect(of('undo', true)).toBe(false);
    expect(of('undo', true, { swapping: true })).toBe(true);
    expect(of('rebuild', false, { swapping: true })).toBe(true);
    expect(of('undo', false, { swapping: true })).toBe(false);
  });
});

/** Vectors that the tests of the job read too: tests/conformance/README.md. */
const BOUNDS = JSON.parse(
  readFileSync(path.resolve(__dirname, '../../../../../tests/conformance/rejection_bounds.json'), 'utf8'),
) as { text: string }[];

const ASKED: BreakingUpload = {
  topic: TOPIC,
  tableName: 'telemetry_climate',
  upload: { etag: 'e', sequencer: 's', since: '', bytes: 1, versionId: undefined, at: '2026-11-30T06:25:00.000Z' },
  schemaKey: 'k',
  schemaVersion: 2,
  digest: 'd',
  activeVersion: 1,
  changesFlattening: false,
  maxRejected: undefined,
  reason: 'r',
};

it('rebuilds from RAW where Standardized lacks the texts that the schema keeps', () => {
  const from = (changesFlattening: boolean) =>
    rebuildForUpload(ID, { ...ASKED, changesFlattening }, new Date('2026-11-30T06:25:00Z')).plan['from'];
  expect([from(false), from(true)]).toEqual(['standardized', 'raw']);
});

it('bounds rejected messages by a number or a share, which the plan has as it was given', () => {
  const now = new Date('2026-11-30T06:25:00Z');
  for (const { text } of BOUNDS) {
    const asked = { ...ASKED, maxRejected: text };
    expect([isRejectionBound(text), rebuildForUpload(ID, asked, now).plan['max_rejected']]).toEqual([true, text]);
  }
  expect(['many', '', '-1', '1.5', '101%', '5 %', '1e3'].filter(isRejectionBound)).toEqual([]);
});

it('asks for one rebuild an upload, and for another one of each topic', () => {
  const upload = { at: '2026-11-30T06:25:00Z', sequencer: '0055AED6DCD90281E5' };
  expect(rebuildIdOf(TOPIC, upload)).toBe(rebuildIdOf(TOPIC, { ...upload }));
  expect(rebuildIdOf('another.topic' as TopicName, upload)).not.toBe(rebuildIdOf(TOPIC, upload));
});

it('says how far a build has come, and nothing before the first count', () => {
  expect(buildProgressOf({ counts: {} })).toBeUndefined();
  expect(buildProgressOf({ counts: { rows_done: 12, rows_total: 10 } })).toEqual({ rowsDone: 10, rowsTotal: 10 });
});
