import { isPreconditionFailed } from '@lean-ops/common/aws';
import { bareEtag, TRIES_ENDED, type JsonObject, type TopicName } from '@lean-ops/common/core';
import {
  fakeClock,
  interruption,
  KilledError,
  memoryDeleteIfMatch,
  memoryDocuments,
  memoryObjects,
  memoryWarehouse,
  type Interruption,
} from '@lean-ops/common/testing';
import type { Collaborators, Resources } from '../src/collaborators';
import { endUpload, processUpload, type Outcome } from '../src/process-upload';
import type { Upload } from '../src/upload';

export const BUCKET = 'schemas-bucket';
export const RESOURCES: Resources = {
  lake: { databasePrefix: 'lean_ops', bucket: 'lean-ops-lake' },
  registryTable: 'registry',
  operationsTable: 'operations',
};

/** An EventBridge event as S3 sends it. */
export function uploadEvent({
  key = 'schemas/telemetry.climate/pending/schema.json',
  etag = 'abc',
  sequencer = '0055AED6DCD90281E5',
}: {
  key?: string;
  etag?: string;
  sequencer?: string;
}): unknown {
  return {
    version: '0',
    'detail-type': 'Object Created',
    source: 'aws.s3',
    time: '2026-11-23T10:00:00Z',
    detail: { bucket: { name: BUCKET }, object: { key, size: 400, etag, sequencer }, reason: 'PutObject' },
  };
}

/** Everything that schema-validator reads and writes, in memory. */
export function world(meanwhile?: () => Promise<void>) {
  const objects = memoryObjects();
  const documents = memoryDocuments({ registry: ['topic_name'], operations: ['operation_id'] });
  const warehouse = memoryWarehouse(meanwhile);
  const clock = fakeClock();
  let uploads = 0;
  /** The executions that were started, by name: a name stands for one. */
  const executions = new Set<string>();
  const machine: Collaborators['machine'] = {
    start: (name) => Promise.resolve(`arn:${[...executions.add(name)].indexOf(name)}`),
  };

  const through = (gate: Interruption): Collaborators => ({
    objects: gate.through(objects),
    deleteIfMatch: gate.throughFunction(memoryDeleteIfMatch(objects)),
    documents: gate.through(documents),
    athena: gate.through(warehouse),
    catalog: gate.through(warehouse),
    clock,
    machine: gate.through(machine),
  });
  const uninterrupted = through(interruption(Infinity, 'before'));
  const run = (upload: Upload, deps = uninterrupted): Promise<Outcome> => processUpload(upload, RESOURCES, deps);

  const problem = { code: TRIES_ENDED, path: '', message: 'the last try failed', hint: 'upload it again' };

  return {
    objects,
    documents,
    warehouse,
    clock,
    executions,
    through,
    run,
    /** Runs the failure path of an upload whose tries have ended. */
    end: (upload: Upload, deps = uninterrupted): Promise<Outcome> => endUpload(upload, problem, RESOURCES, deps),
    /** Puts a schema under `pending/` and returns the upload that its event describes. */
    async upload(
      schema: JsonObject | string,
      topic = 'telemetry.climate',
      metadata: Readonly<Record<string, string>> = {},
    ): Promise<Upload> {
      uploads += 1;
      const body = typeof schema === 'string' ? schema : JSON.stringify(schema);
      const key = `schemas/${topic}/pending/schema.json`;
      const { etag, versionId } = await objects.put(BUCKET, key, body, { metadata });
      return {
        topic: topic as TopicName,
        bucket: BUCKET,
        key,
        etag: bareEtag(etag ?? ''),
        bytes: Buffer.byteLength(body),
        sequencer: String(uploads).padStart(32, '0'),
        ...(versionId !== undefined && { versionId }),
        at: new Date(Date.UTC(2026, 10, 23, 10, 0, uploads)),
      };
    },
    /** Runs an upload as Lambda runs an asynchronous event: again when the run died or lost a race. */
    async runWithRetries(upload: Upload, first: Collaborators): Promise<Outcome> {
      try {
        return await run(upload, first);
      } catch (error) {
        if (!(error instanceof KilledError) && !isPreconditionFailed(error)) throw error;
        return run(upload);
      }
    },
    files: (): string[] =>
      [...objects.objects.keys()].map((name) => name.replace(`s3://${BUCKET}/schemas/`, '')).sort(),
    body: (key: string): unknown => JSON.parse(objects.objects.get(`s3://${BUCKET}/schemas/${key}`)?.body ?? 'null'),
    item: (topic = 'telemetry.climate') => documents.get('registry', { topic_name: topic }),
    /** The state that outlives a run. */
    state: () => ({
      objects: Object.fromEntries([...objects.objects].sort()),
      documents: Object.fromEntries([...documents.documents].sort()),
      tables: Object.fromEntries([...warehouse.tables].sort()),
      driftRows: [...warehouse.driftRows].sort(),
    }),
  };
}

export type World = ReturnType<typeof world>;
