/**
 * What the planner sees to besides cycles, as it reads the registry in each of them: holds past their end, operations on which nobody
 * works any more, rewinds that the jobs propose, and schema uploads that still wait though their topic is not held.
 */
import type { DocumentStore, InvokeLater, Log, MetricsPort } from '@lean-ops/common/aws';
import {
  heldTopics,
  isLeftAlone,
  isStalled,
  isTopicName,
  lockKeyOf,
  overdueHolds,
  readLock,
  readOperation,
  readWaitingUpload,
  rewindProposals,
  schemaKeys,
  uploadEvent,
  type Document,
  type Operation,
} from '@lean-ops/common/core';
import { holdBadTopics, type HoldCollaborators } from './hold-bad-topics';
import { reportOverdueHolds, reportProposals, reportStalledOperations } from './report-holds';

export interface TopicsToSee {
  /** Items of the schema registry. */
  readonly registry: readonly Document[];
  /** Items of the checkpoint table. */
  readonly checkpoints: readonly Document[];
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface SeeResources {
  readonly operationsTable: string;
  readonly registryTable: string;
  /** Whether topics are held by themselves after a bad cycle. */
  readonly holdsBadTopics: boolean;
  /** How long an execution of an operation may last. */
  readonly operationTimeoutSeconds: number;
  readonly schemaBucket: string;
}

export interface SeeCollaborators {
  readonly documents: DocumentStore;
  /** Invokes schema-validator, and does not wait for it. */
  readonly invokeValidator: InvokeLater;
  /** The state machine of operations. */
  readonly machine: HoldCollaborators['machine'];
}

export interface Report {
  readonly log: Log;
  readonly metrics: MetricsPort;
}

/** It never throws: a cycle goes on when this fails, and the log and a metric say so. */
export async function seeToTopics(
  topics: TopicsToSee,
  resources: SeeResources,
  deps: SeeCollaborators,
  report: Report,
): Promise<void> {
  reportOverdueHolds(overdueHolds(topics.registry, topics.now), report);
  const proposals = rewindProposals(topics.checkpoints, topics.registry);
  reportProposals(proposals, report);
  if (resources.holdsBadTopics) {
    const { operationsTable: operations, registryTable: registry } = resources;
    await holdBadTopics(proposals, topics.registry, { operations, registry }, deps, topics.now, report);
  }
  try {
    reportStalledOperations(await stalledOperations(topics, resources, deps), report);
  } catch (error) {
    report.log.error('operations not looked at', { error });
    report.metrics.count('OperationsUnknown');
  }
  await deliverUploads(topics, resources, deps, report);
}

/**
 * The operations that have a held topic and on which nobody works: it failed, or its execution died. Only held topics are looked at.
 * An operation that has not held its topic keeps nobody from writing, and the table of operations is never read whole, as it grows.
 */
export async function stalledOperations(
  { registry, now }: Omit<TopicsToSee, 'checkpoints'>,
  { operationsTable, operationTimeoutSeconds }: SeeResources,
  { documents }: Pick<SeeCollaborators, 'documents'>,
): Promise<Operation[]> {
  const holders = await Promise.all(
    heldTopics(registry).map(async ({ topic }) => {
      const lock = readLock(await documents.get(operationsTable, lockKeyOf(topic)));
      return lock && readOperation(await documents.get(operationsTable, { operation_id: lock.holder }));
    }),
  );
  return holders
    .filter((one) => one !== undefined)
    .filter((one) => isStalled(one, now, operationTimeoutSeconds * 1_000));
}

/**
 * Gives uploads to schema-validator that waited for a release which has come. The end of the operation does so at once. Where that
 * failed, or somebody released the topic by hand, this does; a second delivery is recognised.
 */
async function deliverUploads(
  { registry, now }: TopicsToSee,
  { schemaBucket }: SeeResources,
  { invokeValidator }: SeeCollaborators,
  { log, metrics }: Report,
): Promise<void> {
  for (const item of registry) {
    const { topic_name: topic } = item;
    const waiting = readWaitingUpload(item);
    if (waiting === undefined || typeof topic !== 'string' || !isTopicName(topic) || isLeftAlone(item, now)) continue;
    const { sequencer, since } = waiting;
    try {
      await invokeValidator(uploadEvent(schemaBucket, schemaKeys.pending(topic), waiting));
      log.warn('upload delivered again', { topic_name: topic, sequencer, since });
      metrics.count('UploadsDeliveredAgain');
    } catch (error) {
      log.error('upload not delivered again', { topic_name: topic, sequencer, since, error });
      metrics.count('UploadsNotDelivered');
    }
  }
}
