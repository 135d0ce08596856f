import type { Catalog, Clock, DocumentStore, ObjectStore } from '@lean-ops/common/aws';
import {
  databaseOf,
  LAYERS,
  LeanOpsError,
  readSnapshots,
  recordsAddedSince,
  type AddedRecords,
  type Document,
  type Lake,
} from '@lean-ops/common/core';
import { takeLease } from './lease';

export interface Collaborators {
  readonly documents: DocumentStore;
  readonly catalog: Catalog;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** Statuses in which an operator holds a topic. No cycle touches its Curated table, so none runs for its sake. */
const PAUSED: ReadonlySet<unknown> = new Set(['MAINTENANCE', 'REBUILDING']);
const S3_URI = /^s3a?:\/\/([^/]+)\/(.+)$/;

/** The names of what the planner reads and writes. */
export interface Resources {
  readonly lake: Lake;
  readonly rawTable: string;
  readonly registryTable: string;
  readonly checkpointTable: string;
  readonly leaseSeconds: number;
}

export type PlanReason = 'NEW_RECORDS' | 'CATCH_UP' | 'BACKFILL' | 'NOTHING_NEW' | 'LEASE_HELD';

/** The answer to the Plan step. The state machine reads these fields. */
export interface CyclePlan {
  readonly run: boolean;
  readonly reason: PlanReason;
  readonly cycle_id: string;
  /** Number of records appended to RAW since the last cycle. */
  readonly new_records: number;
  /** The RAW snapshot up to which this cycle reads, in exact digits; empty when RAW has no snapshot. */
  readonly to_snapshot_id: string;
  readonly run_curated: boolean;
  readonly enabled_topics: number;
}

/** The facts on which the decision rests. */
export interface Situation {
  readonly added: AddedRecords;
  readonly lastCycleComplete: boolean;
  readonly enabledTopics: readonly string[];
  /** Enabled topics whose Curated table does not have the rows of their active schema yet. */
  readonly topicsToBackfill: readonly string[];
}

/**
 * The reason why a cycle runs or does not run. New records come first, because a cycle that reads them also catches up and
 * backfills.
 */
export function reasonFor({
  added,
  lastCycleComplete,
  topicsToBackfill,
}: Situation): Exclude<PlanReason, 'LEASE_HELD'> {
  if (added.records > 0) return 'NEW_RECORDS';
  if (!lastCycleComplete) return 'CATCH_UP';
  return topicsToBackfill.length > 0 ? 'BACKFILL' : 'NOTHING_NEW';
}

/** Takes the lease and decides whether there is anything to do. Only metadata is read: no query runs, no data file is opened. */
export async function planCycle(executionId: string, resources: Resources, deps: Collaborators): Promise<CyclePlan> {
  const lease = await takeLease(
    deps.documents,
    resources.checkpointTable,
    executionId,
    resources.leaseSeconds,
    deps.clock,
  );
  if (!lease.held) {
    return {
      run: false,
      reason: 'LEASE_HELD',
      cycle_id: '',
      new_records: 0,
      to_snapshot_id: '',
      run_curated: false,
      enabled_topics: 0,
    };
  }
  const situation = await readSituation(resources, deps);
  const reason = reasonFor(situation);
  return {
    run: reason !== 'NOTHING_NEW',
    reason,
    cycle_id: lease.cycleId,
    new_records: situation.added.records,
    to_snapshot_id: situation.added.toSnapshotId ?? '',
    run_curated: situation.enabledTopics.length > 0,
    enabled_topics: situation.enabledTopics.length,
  };
}

async function readSituation(resources: Resources, deps: Collaborators): Promise<Situation> {
  const [metadata, registry, checkpoints] = await Promise.all([
    rawMetadata(resources, deps),
    deps.documents.scan(resources.registryTable),
    deps.documents.scan(resources.checkpointTable),
  ]);
  const ofAllTopics = checkpoints.filter(({ topic_name: topic }) => topic === '*');
  const since = ofAllTopics.find(({ layer }) => layer === 'raw')?.['snapshot_id'];
  const enabled = registry.filter((item) => item['processing_enabled'] === true && !PAUSED.has(item['status']));
  return {
    added: recordsAddedSince(readSnapshots(metadata), typeof since === 'string' && since !== '' ? since : undefined),
    // Each layer notes here whether it left a topic behind: Standardized in ("*", "raw"), Curated in ("*", "curated").
    lastCycleComplete: ofAllTopics.every(({ status }) => status !== 'incomplete'),
    enabledTopics: enabled.map(topicOf),
    topicsToBackfill: topicsToBackfillOf(enabled, checkpoints),
  };
}

function topicOf(item: Document): string {
  const topic = item['topic_name'];
  return typeof topic === 'string' ? topic : '';
}

function topicsToBackfillOf(enabled: readonly Document[], checkpoints: readonly Document[]): string[] {
  const curated = new Map(
    checkpoints.filter(({ layer }) => layer === 'curated').map((item) => [topicOf(item), item['schema_version']]),
  );
  return enabled.filter((item) => curated.get(topicOf(item)) !== item['schema_version']).map(topicOf);
}

async function rawMetadata({ lake, rawTable }: Resources, { catalog, objects }: Collaborators): Promise<string> {
  const database = databaseOf(lake, LAYERS.raw);
  const name = `${database}.${rawTable}`;
  const location = (await catalog.getTable(database, rawTable))?.metadataLocation;
  if (location === undefined) {
    throw new LeanOpsError(
      'RAW_TABLE_MISSING',
      `${name} is no Iceberg table in the catalog: invoke table-provisioner with {"action":"system"}`,
    );
  }
  const [, bucket, key] = S3_URI.exec(location) ?? [];
  const file = bucket !== undefined && key !== undefined ? await objects.get(bucket, key) : undefined;
  if (file === undefined) {
    throw new LeanOpsError(
      'RAW_METADATA_MISSING',
      `${name}: nothing lies at ${location}, where its catalog entry points`,
    );
  }
  return file.body;
}
