import type { Log, MetricsPort } from '@lean-ops/common/aws';
import { rewindCommand, type HeldTopic, type Operation, type RewindProposal } from '@lean-ops/common/core';

/** The most topics that a log line names. */
const MAX_LOGGED = 20;

/** Writes the metric that the alarm topic-held looks at, and a log line with the topics whose hold should be over. */
export function reportOverdueHolds(
  overdue: readonly HeldTopic[],
  { log, metrics }: { readonly log: Log; readonly metrics: MetricsPort },
): void {
  metrics.count('HoldsOverdue', overdue.length);
  if (overdue.length === 0) return;
  log.warn('holds overdue', {
    topics: overdue.length,
    first_topics: overdue.slice(0, MAX_LOGGED).map(({ topic, hold }) => ({
      topic_name: topic,
      operation_id: hold?.operationId,
      by: hold?.by,
      since: hold?.since,
      until: hold?.until,
    })),
  });
}

/** Writes the metric that the alarm rewind-proposed looks at, and a log line with what is proposed and not answered. */
export function reportProposals(
  proposals: readonly RewindProposal[],
  { log, metrics }: { readonly log: Log; readonly metrics: MetricsPort },
): void {
  metrics.count('RewindsProposed', proposals.length);
  if (proposals.length === 0) return;
  log.warn('rewinds proposed', {
    topics: proposals.length,
    first_topics: proposals.slice(0, MAX_LOGGED).map((one) => ({
      topic_name: one.topic,
      layer: one.layer,
      bad_cycle: one.cycleId,
      reason: one.why,
      command: rewindCommand(one),
    })),
  });
}

/**
 * Writes the metric that the alarm operation-stalled looks at, and a log line with the operations on which nobody works though they
 * have their topic.
 */
export function reportStalledOperations(
  stalled: readonly Operation[],
  { log, metrics }: { readonly log: Log; readonly metrics: MetricsPort },
): void {
  metrics.count('OperationsStalled', stalled.length);
  if (stalled.length === 0) return;
  log.warn('operations stalled', {
    operations: stalled.length,
    first_operations: stalled.slice(0, MAX_LOGGED).map(({ operationId, topic, state, step, updatedAt }) => ({
      operation_id: operationId,
      topic_name: topic,
      state,
      step,
      updated_at: updatedAt,
    })),
  });
}
