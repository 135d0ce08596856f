import { getOperation, requestOperation } from '@lean-ops/common/aws';
import {
  absent,
  activatingOf,
  all,
  equals,
  isHeld,
  lockKeyOf,
  opaqueColumns,
  readLock,
  rebuildForUpload,
  rebuildIdOf,
  tableNameOf,
  unchanged,
  waitingUploadItem,
  type AcceptedBreak,
  type BreakingUpload,
  type Operation,
  type OperationWrite,
  type TopicSchema,
  type WaitingUpload,
} from '@lean-ops/common/core';
import { hash } from 'node:crypto';
import { archiveText } from './schema-archive';
import type { Collaborators, Resources } from './collaborators';
import type { Upload } from './upload';

/** What became of the rebuild that an upload asks for. */
export type RebuildRequest =
  /** The rebuild is there, and runs or has to be resumed. It settles the upload. */
  | { readonly kind: 'REQUESTED'; readonly operationId: string }
  /** Somebody cancelled it, or it was refused as it began. */
  | { readonly kind: 'ENDED'; readonly operation: Operation }
  /** The topic is held, or another operation has it. */
  | { readonly kind: 'BUSY' }
  /** A newer upload has claimed the topic. */
  | { readonly kind: 'OVERTAKEN' };

/** A schema that breaks the active one, as its upload brought it. */
export interface BreakingCandidate {
  readonly body: string;
  readonly schema: TopicSchema;
  readonly active: TopicSchema;
  readonly accepted: AcceptedBreak;
  readonly maxRejected: string | undefined;
}

/** How often a request is tried anew because somebody else wrote in between. */
const MAX_RACES = 5;

/** The id of the rebuild that an upload asks for, whenever it is asked. */
export function rebuildOf({ topic, at, sequencer }: Pick<Upload, 'topic' | 'at' | 'sequencer'>): string {
  return rebuildIdOf(topic, { at: at.toISOString(), sequencer });
}

/**
 * Asks for the rebuild of Curated under a schema that breaks the active one, and starts it. In one transaction the operation gets
 * the topic's lock, the topic the mark that keeps other uploads waiting, and the upload the note that it waits. A run that dies
 * before the start is repeated, and starts it: its name stands for one execution.
 *
 * The text is archived first, as the job reads it from there while the upload may be overwritten.
 */
export async function requestRebuild(
  upload: Upload,
  candidate: BreakingCandidate,
  { registryTable, operationsTable }: Resources,
  { documents, objects, machine, clock }: Collaborators,
): Promise<RebuildRequest> {
  const operationId = rebuildOf(upload);
  const tables = { operations: operationsTable, registry: registryTable };
  for (let race = 0; race < MAX_RACES; race += 1) {
    const known = await getOperation(documents, tables, operationId);
    if (known !== undefined) {
      const lock = readLock(await documents.get(operationsTable, lockKeyOf(upload.topic)));
      if (lock?.holder !== operationId) return { kind: 'ENDED', operation: known };
      if (known.state === 'RUNNING') await machine.start(operationId, { operation_id: operationId });
      return { kind: 'REQUESTED', operationId };
    }
    const item = await documents.get(registryTable, { topic_name: upload.topic });
    if (item?.['claimed_sequencer'] !== upload.sequencer) return { kind: 'OVERTAKEN' };
    if (isHeld(item) || activatingOf(item) !== undefined) return { kind: 'BUSY' };
    const lock = await documents.get(operationsTable, lockKeyOf(upload.topic));
    if (lock !== undefined) return { kind: 'BUSY' };
    const now = new Date(clock.now());
    const asked = await breakingUpload(upload, candidate, objects, waitingOf(upload, operationId, now));
    const operation = rebuildForUpload(operationId, asked, now);
    const mark: OperationWrite = {
      op: 'update',
      table: 'registry',
      key: { topic_name: upload.topic },
      set: { activating: operationId, waiting_upload: waitingUploadItem(asked.upload), updated_at: now.toISOString() },
      remove: [],
      condition: all(
        equals('claimed_sequencer', upload.sequencer),
        unchanged(item, 'status'),
        unchanged(item, 'epoch'),
        absent('activating'),
      ),
    };
    await requestOperation(documents, tables, operation, [mark]);
  }
  // Others kept writing to the topic. The event comes again.
  return { kind: 'BUSY' };
}

function waitingOf(upload: Upload, rebuild: string, now: Date): WaitingUpload {
  const { etag, sequencer, bytes, versionId, at } = upload;
  return { etag, sequencer, bytes, versionId, at: at.toISOString(), since: now.toISOString(), rebuild };
}

async function breakingUpload(
  { topic, bucket, at }: Upload,
  { body, schema, active, accepted, maxRejected }: BreakingCandidate,
  objects: Collaborators['objects'],
  upload: WaitingUpload,
): Promise<BreakingUpload> {
  return {
    topic,
    tableName: tableNameOf(topic),
    upload,
    schemaKey: await archiveText(objects, bucket, { topic, version: schema.version, at, body }),
    schemaVersion: schema.version,
    digest: hash('sha256', body, 'hex'),
    activeVersion: active.version,
    changesFlattening: String(opaqueColumns(schema)) !== String(opaqueColumns(active)),
    maxRejected,
    reason: accepted.reason,
  };
}
