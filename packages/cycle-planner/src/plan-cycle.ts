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

export interface Places {
  readonly lake: Lake;
  readonly rawTable: string;
  readonly registryTable: string;
  readonly checkpointTable: string;
  readonly leaseSeconds: number;
}

export type Reason = 'NEW_RECORDS' | 'CATCH_UP' | 'BACKFILL' | 'NOTHING_NEW' | 'LEASE_HELD';

/** The answer to Plan, as the state machine reads it. */
export interface CyclePlan {
  readonly run: boolean;
  readonly reason: Reason;
  readonly cycle_id: string;
  /** Records appended to RAW since the last cycle. */
  readonly new_records: number;
  /** The RAW snapshot up to which this cycle reads: exact digits, empty when RAW has none. */
  readonly to_snapshot_id: string;
  readonly run_curated: boolean;
  readonly enabled_topics: number;
}

/** What the decision rests on. */
export interface Situation {
  readonly added: AddedRecords;
  readonly lastCycleComplete: boolean;
  readonly enabledTopics: readonly string[];
  /** Enabled topics whose Curated table was not yet made by their active schema. */
  readonly topicsToBackfill: readonly string[];
}

/** Why a cycle runs, or not. New records come first: a cycle that reads them catches up and back-fills as well. */
export function reasonFor({ added, lastCycleComplete, topicsToBackfill }: Situation): Exclude<Reason, 'LEASE_HELD'> {
  if (added.records > 0) return 'NEW_RECORDS';
  if (!lastCycleComplete) return 'CATCH_UP';
  return topicsToBackfill.length > 0 ? 'BACKFILL' : 'NOTHING_NEW';
}

/** Takes the lease and decides whether there is anything to do, from metadata alone: no query, no data file is read. */
export async function planCycle(executionId: string, places: Places, deps: Collaborators): Promise<CyclePlan> {
  const lease = await takeLease(deps.documents, places.checkpointTable, executionId, places.leaseSeconds, deps.clock);
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
  const situation = await survey(places, deps);
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

async function survey(places: Places, deps: Collaborators): Promise<Situation> {
  const [metadata, registry, checkpoints] = await Promise.all([
    rawMetadata(places, deps),
    deps.documents.scan(places.registryTable),
    deps.documents.scan(places.checkpointTable),
  ]);
  const ofAllTopics = checkpoints.filter(({ topic_name: topic }) => topic === '*');
  const since = ofAllTopics.find(({ layer }) => layer === 'raw')?.['snapshot_id'];
  const enabled = registry.filter((item) => item['processing_enabled'] === true && !PAUSED.has(item['status']));
  return {
    added: recordsAddedSince(readSnapshots(metadata), typeof since === 'string' && since !== '' ? since : undefined),
    // Either layer may have left a topic behind: ("*", "raw") speaks for Standardized, ("*", "curated") for Curated.
    lastCycleComplete: ofAllTopics.every(({ status }) => status !== 'incomplete'),
    enabledTopics: enabled.map(topicOf),
    topicsToBackfill: withoutCurrentCurated(enabled, checkpoints),
  };
}

/** Topics that an operator holds: no cycle touches their Curated table, so none is to run for them. */
const PAUSED: ReadonlySet<unknown> = new Set(['MAINTENANCE', 'REBUILDING']);

function topicOf(item: Document): string {
  const topic = item['topic_name'];
  return typeof topic === 'string' ? topic : '';
}

function withoutCurrentCurated(enabled: readonly Document[], checkpoints: readonly Document[]): string[] {
  const curated = new Map(
    checkpoints.filter(({ layer }) => layer === 'curated').map((item) => [topicOf(item), item['schema_version']]),
  );
  return enabled.filter((item) => curated.get(topicOf(item)) !== item['schema_version']).map(topicOf);
}

const S3_URI = /^s3a?:\/\/([^/]+)\/(.+)$/;

async function rawMetadata({ lake, rawTable }: Places, { catalog, objects }: Collaborators): Promise<string> {
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
