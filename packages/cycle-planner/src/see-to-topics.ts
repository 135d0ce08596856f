/**
 * What the planner sees to besides cycles, as it reads the registry in each of them: holds past their end, operations on which nobody
 * works any more, rewinds that the jobs propose, and schema uploads that still wait though their topic is not held.
 */
import type { DocumentStore, InvokeLater, Log, MetricsPort } from '@lean-ops/common/aws';
import {
  activatingOf,
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
 * The operations on which nobody works, as one failed or its execution died, and that keep others from their work: they have a held
 * topic, or uploads of its schema wait for them. Only those topics are looked at, as the table of operations grows and is never read whole.
 */
export async function stalledOperations(
  { registry, now }: Omit<TopicsToSee, 'checkpoints'>,
  { operationsTable, operationTimeoutSeconds }: SeeResources,
  { documents }: Pick<SeeCollaborators, 'documents'>,
): Promise<Operation[]> {
  const holders = await Promise.all(
    [...new Set([...heldTopics(registry).map(({ topic }) => topic), ...activatingTopics(registry)])].map(
      async (topic) => {
        const lock = readLock(await documents.get(operationsTable, lockKeyOf(topic)));
        return lock && readOperation(await documents.get(operationsTable, { operation_id: lock.holder }));
      },
    ),
  );
  return holders
    .filter((one) => one !== undefined)
    .filter((one) => isStalled(one, now, operationTimeoutSeconds * 1_000));
}

/** The topics that an operation is about to make a schema active for. It builds beside their tables, and may not hold them yet. */
function activatingTopics(registry: readonly Document[]): string[] {
  return registry.flatMap((item) => {
    const { topic_name: topic } = item;
    return typeof topic === 'string' && activatingOf(item) !== undefined ? [topic] : [];
  });
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
    // It waits for the end of an operation. The upload that asked for that is delivered, as the operation may not have been started.
    const activating = activatingOf(item);
    if (activating !== undefined && waiting.rebuild !== activating) continue;
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
