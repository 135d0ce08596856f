import { getOperation } from '@lean-ops/common/aws';
import {
  checkSchema,
  isHeld,
  LeanOpsError,
  lockKeyOf,
  readLock,
  schemaActivationOf,
  schemaKeys,
  type Document,
  type Operation,
  type SchemaActivation,
  type TopicSchema,
} from '@lean-ops/common/core';
import { hash } from 'node:crypto';
import { activate, factsOf, putOnRecord, readActive, type ActiveSchema } from './activation';
import { readSchema } from './check-candidate';
import type { Collaborators, Resources } from './collaborators';
import { clearReport } from './failure-report';
import { clearPending } from './pending-upload';
import type { Upload } from './upload';
import { UploadRegistry } from './upload-registry';

/** What the state machine of operations is told. */
export interface Activated {
  readonly activated: true;
  readonly version: number;
  /** Whether an upload waited for it, and has its verdict now. */
  readonly settled: boolean;
}

/** Sequencers of uploads have this length. One with more behind it lies between its upload and the next one. */
const SEQUENCER_LENGTH = 32;

/**
 * Makes the schema active under which an operation has rebuilt Curated, or the one before it where the operation undoes that. It is a
 * step of the operation, which holds the topic, so it does not wait as uploads do. Each of its writes is safe to repeat, and
 * an operation that is done is only told so again.
 *
 * @throws LeanOpsError ACTIVATION_NOT_DUE when the operation does not have the topic, or its tables are not done
 * @throws LeanOpsError ACTIVATION_REFUSED when the text is missing, another one, or no schema
 */
export async function activateByOperation(
  operationId: string,
  bucket: string,
  resources: Resources,
  deps: Collaborators,
): Promise<Activated> {
  const { documents } = deps;
  const tables = { operations: resources.operationsTable, registry: resources.registryTable };
  const operation = await getOperation(documents, tables, operationId);
  const activation = operation && schemaActivationOf(operation);
  if (operation === undefined || activation === undefined) {
    throw notDue(operationId, 'there is no such operation, or it makes no schema active');
  }
  const { body, schema } = await readText(operation, activation, bucket, deps);
  if (operation.state === 'DONE') return { activated: true, version: schema.version, settled: false };
  await refuseUnlessDue(operation, resources, deps);
  const active = await readActive({ topic: operation.topic, bucket }, deps);
  const upload = uploadOf(operation, activation, bucket, body, active);
  const registry = new UploadRegistry(documents, resources.registryTable, upload, () => new Date(deps.clock.now()));
  if (active) await putOnRecord(upload, resources, deps, registry, active);
  const before = active && { file: active, schema: readSchema(operation.topic, active.body) };
  const now = await activate(upload, deps, body, before, { operationId });
  await putOnRecord(upload, resources, deps, registry, now);
  // A text that was active already keeps the origin that it had, and the registry may still name another one.
  const facts = factsOf(operation.topic, now.etag, now.origin ?? upload, schema);
  if (activation.upload === undefined) return { activated: true, version: schema.version, settled: false };
  const settled = await registry.settleReady(facts);
  if (settled) {
    await clearReport(upload, deps, (sequencer) => sequencer <= upload.sequencer);
    await clearPending(upload, deps);
  }
  return { activated: true, version: schema.version, settled };
}

/** The upload that asked for the operation. Where none did, the text stands in for one: it came after all that are on record. */
function uploadOf(
  { topic, operationId, requestedAt }: Operation,
  { schemaKey, upload }: SchemaActivation,
  bucket: string,
  body: string,
  active: ActiveSchema | undefined,
): Upload {
  if (upload !== undefined) {
    const { etag, bytes, sequencer, at, versionId } = upload;
    const version = versionId === undefined ? {} : { versionId };
    return { topic, bucket, key: schemaKeys.pending(topic), etag, bytes, sequencer, at: new Date(at), ...version };
  }
  const base = (active?.origin?.sequencer ?? '').slice(0, SEQUENCER_LENGTH).padEnd(SEQUENCER_LENGTH, '0');
  const own = `${base}-${operationId}`;
  return {
    topic,
    bucket,
    key: schemaKey,
    etag: '',
    bytes: Buffer.byteLength(body),
    sequencer: own,
    at: new Date(requestedAt),
  };
}

async function readText(
  { operationId, topic, kind }: Operation,
  { schemaKey, digest, upload }: SchemaActivation,
  bucket: string,
  { objects }: Collaborators,
): Promise<{ readonly body: string; readonly schema: TopicSchema }> {
  const refused = (why: string): LeanOpsError =>
    new LeanOpsError('ACTIVATION_REFUSED', `${operationId} cannot make ${schemaKey} active: ${why}`);
  if (!schemaKey.startsWith(`schemas/${topic}/`)) throw refused(`it is no key of ${topic}`);
  const stored = await objects.get(bucket, schemaKey);
  if (stored === undefined) throw refused('it is gone: put the text there again, and resume the operation');
  if (digest !== undefined && hash('sha256', stored.body, 'hex') !== digest) {
    throw refused('its text is not the one that the tables were built by: restore that version of the object');
  }
  // What an upload brought was checked then, and what was active once is only made active again.
  if (upload !== undefined || kind === 'undo') return { body: stored.body, schema: readSchema(topic, stored.body) };
  const check = checkSchema(stored.body, { topic, patternBudgetMs: 20_000 });
  if (!check.ok) throw refused(`${check.problems[0]?.code ?? ''} ${check.problems[0]?.message ?? ''}`);
  return { body: check.text, schema: check.schema };
}

/** Refuses an operation that does not have its topic, or whose tables are not as the schema says yet. */
async function refuseUnlessDue(
  { operationId, topic, state, step }: Operation,
  { operationsTable, registryTable }: Resources,
  { documents }: Collaborators,
): Promise<void> {
  if (state !== 'RUNNING' || step !== 'APPLIED') throw notDue(operationId, `it is ${state}, and its step is ${step}`);
  const [lock, item] = await Promise.all([
    documents.get(operationsTable, lockKeyOf(topic)),
    documents.get(registryTable, { topic_name: topic }),
  ]);
  if (readLock(lock)?.holder !== operationId) throw notDue(operationId, `it does not have the lock of ${topic}`);
  if (!isHeld(item)) throw notDue(operationId, `${topic} is not held`);
}

function notDue(operationId: string, why: string): LeanOpsError {
  return new LeanOpsError('ACTIVATION_NOT_DUE', `${operationId} may not make a schema active: ${why}`);
}

/** The request of the state machine of operations; undefined for any other event. */
export function activationRequest(event: Document): string | undefined {
  const { action, operation_id: operationId } = event;
  return action === 'activate' && typeof operationId === 'string' ? operationId : undefined;
}
