import {
  readRawSnapshots,
  type Catalog,
  type Clock,
  type DocumentStore,
  type ObjectStore,
  type RawSnapshots,
} from '@lean-ops/common/aws';
import {
  curatedRunIsMissing,
  freshnessOf,
  isLeftAlone,
  recordsAddedSince,
  somethingWasLeft,
  somethingWasReleased,
  type AddedRecords,
  type Document,
  type Freshness,
  type FreshnessTargets,
  type Lake,
} from '@lean-ops/common/core';
import { releaseLease, takeLease, type Lease } from './lease';
import { maintenanceWaits } from './maintenance-turn';

export interface Collaborators {
  readonly documents: DocumentStore;
  readonly catalog: Catalog;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** The names of what the planner reads and writes. */
export interface Resources {
  readonly lake: Lake;
  readonly rawTable: string;
  readonly registryTable: string;
  readonly checkpointTable: string;
  readonly leaseSeconds: number;
  readonly freshnessTargets: FreshnessTargets;
}

export type PlanReason = 'NEW_RECORDS' | 'CATCH_UP' | 'BACKFILL' | 'NOTHING_NEW' | 'LEASE_HELD' | 'YIELDED';

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
}: Situation): Exclude<PlanReason, 'LEASE_HELD' | 'YIELDED'> {
  if (added.records > 0) return 'NEW_RECORDS';
  if (!lastCycleComplete) return 'CATCH_UP';
  return topicsToBackfill.length > 0 ? 'BACKFILL' : 'NOTHING_NEW';
}

/** What the Plan step found out: its answer to the state machine, and how fresh the topics are as the cycle begins. */
export interface PlannedCycle {
  readonly plan: CyclePlan;
  /**
   * Computes the freshness. It is apart from the plan because a cycle must not fail when it cannot be computed.
   *
   * @throws what reading the state threw, while another cycle runs
   */
  readonly measure: () => Freshness;
  /** The size of RAW's metadata, which each cycle reads; undefined when it was not read. */
  readonly rawMetadata: RawMetadataSize | undefined;
  /** Items of the schema registry and of the checkpoint table; undefined when they were not read. */
  readonly registry: readonly Document[] | undefined;
  readonly checkpoints: readonly Document[] | undefined;
}

/** How large RAW's metadata is. It grows with every commit of Firehose, and snapshot expiry keeps it small. */
export interface RawMetadataSize {
  readonly bytes: number;
  readonly snapshots: number;
}

/**
 * Takes the lease and decides whether there is anything to do. Only metadata is read: no query runs, no data file is opened.
 * Freshness is computed also while another cycle or maintenance has the lease, as one that hangs makes topics late.
 */
export async function planCycle(executionId: string, resources: Resources, deps: Collaborators): Promise<PlannedCycle> {
  const lease = await leaseFor(executionId, resources, deps);
  const looked = (state: PipelineState): Pick<PlannedCycle, 'rawMetadata' | 'registry' | 'checkpoints'> => ({
    rawMetadata: sizeOf(state),
    registry: state.registry,
    checkpoints: state.checkpoints,
  });
  const freshnessBy = (state: PipelineState): Freshness =>
    freshnessOf({ ...state, now: deps.clock.now(), targets: resources.freshnessTargets });
  if (!lease.held) {
    const plan = { ...NO_CYCLE, reason: lease.reason };
    // What cannot be read fails the cycle that runs. This one has nothing to do, so it does not fail.
    return readState(resources, deps).then(
      (state) => ({ plan, measure: () => freshnessBy(state), ...looked(state) }),
      (error: unknown) => ({
        plan,
        measure: () => {
          throw error;
        },
        rawMetadata: undefined,
        registry: undefined,
        checkpoints: undefined,
      }),
    );
  }
  const state = await readState(resources, deps);
  const situation = situationOf(state, deps.clock.now());
  const reason = reasonFor(situation);
  const plan = {
    run: reason !== 'NOTHING_NEW',
    reason,
    cycle_id: lease.cycleId,
    new_records: situation.added.records,
    to_snapshot_id: situation.added.toSnapshotId ?? '',
    run_curated: situation.enabledTopics.length > 0,
    enabled_topics: situation.enabledTopics.length,
  };
  return { plan, measure: () => freshnessBy(state), ...looked(state) };
}

type CycleLease =
  Extract<Lease, { readonly held: true }> | { readonly held: false; readonly reason: 'LEASE_HELD' | 'YIELDED' };

/**
 * Takes the lease, and gives it back when maintenance waits for it. It is asked for with the lease in hand, so a cycle that is refused
 * by another one does not count as yielding. Each repeated try of maintenance renews the time for which cycles yield.
 */
async function leaseFor(
  executionId: string,
  { checkpointTable, leaseSeconds }: Resources,
  { documents, clock }: Collaborators,
): Promise<CycleLease> {
  const lease = await takeLease(documents, checkpointTable, executionId, leaseSeconds, clock);
  if (!lease.held) return { held: false, reason: 'LEASE_HELD' };
  if (!(await maintenanceWaits(documents, checkpointTable, clock))) return lease;
  await releaseLease(documents, checkpointTable, executionId);
  return { held: false, reason: 'YIELDED' };
}

function sizeOf({ snapshots }: PipelineState): RawMetadataSize {
  return { bytes: snapshots.metadataBytes, snapshots: snapshots.byId.size };
}

const NO_CYCLE: Omit<CyclePlan, 'reason'> = {
  run: false,
  cycle_id: '',
  new_records: 0,
  to_snapshot_id: '',
  run_curated: false,
  enabled_topics: 0,
};

/** RAW's metadata, and the items of both tables. */
interface PipelineState {
  readonly snapshots: RawSnapshots;
  readonly registry: readonly Document[];
  readonly checkpoints: readonly Document[];
}

async function readState(resources: Resources, deps: Collaborators): Promise<PipelineState> {
  const [snapshots, registry, checkpoints] = await Promise.all([
    readRawSnapshots(resources.lake, resources.rawTable, deps),
    deps.documents.scan(resources.registryTable),
    deps.documents.scan(resources.checkpointTable),
  ]);
  return { snapshots, registry, checkpoints };
}

function situationOf({ snapshots, registry, checkpoints }: PipelineState, now: number): Situation {
  const ofAllTopics = checkpoints.filter(({ topic_name: topic }) => topic === '*');
  const since = ofAllTopics.find(({ layer }) => layer === 'raw')?.['snapshot_id'];
  const enabled = registry.filter((item) => item['processing_enabled'] === true && !isLeftAlone(item, now));
  return {
    added: recordsAddedSince(snapshots, typeof since === 'string' && since !== '' ? since : undefined),
    // Each layer notes here which topics it left behind or alone: Standardized in ("*", "raw"), Curated in ("*", "curated").
    // A run of Standardized that died leaves its rows new; one of Curated that died shows only by what it has not taken.
    lastCycleComplete:
      !somethingWasLeft({ now, checkpoints, registry }) &&
      !somethingWasReleased({ now, checkpoints, registry }) &&
      !curatedRunIsMissing({ now, snapshots, registry, checkpoints }),
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
