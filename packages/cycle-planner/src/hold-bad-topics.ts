/**
 * Holds topics by itself after a bad cycle, where the variable hold_after_bad_cycle says so: the operation is that of
 * `lean-ops topic hold`, and whoever looks into the topic rewinds or releases it. docs/decisions/0047-proposals-after-bad-cycles.md.
 */
import {
  getOperation,
  requestOperation,
  type DocumentStore,
  type Log,
  type MetricsPort,
  type OperationTables,
  type StateMachine,
} from '@lean-ops/common/aws';
import {
  epochOf,
  hexOf,
  isHeld,
  newOperation,
  operationIdOf,
  rewindCommand,
  tableNameOf,
  type Document,
  type Operation,
  type OperationWish,
  type RewindProposal,
} from '@lean-ops/common/core';

/** Who requests such a hold, as `topic status` and `op list` show it. */
const REQUESTED_BY = 'lean-ops';

export interface HoldCollaborators {
  readonly documents: DocumentStore;
  /** The state machine of operations. */
  readonly machine: Pick<StateMachine, 'start'>;
}

/**
 * Requests a hold for each proposal, once: the id of the operation is made of the proposal, so a later run of the planner finds it. A
 * run that died between the request and the start is made up for by the next one. A topic that is held, or that another operation has,
 * is left to whoever has it. One topic that cannot be held keeps no other from it.
 */
export async function holdBadTopics(
  proposals: readonly RewindProposal[],
  registry: readonly Document[],
  tables: OperationTables,
  { documents, machine }: HoldCollaborators,
  now: number,
  { log, metrics }: { readonly log: Log; readonly metrics: MetricsPort },
): Promise<void> {
  const items = new Map(registry.map((item) => [item['topic_name'], item]));
  for (const proposal of proposals) {
    const item = items.get(proposal.topic);
    if (isHeld(item)) continue;
    const operation = holdOf(proposal, item, now);
    const { operationId, topic } = operation;
    try {
      if (!(await requestOperation(documents, tables, operation))) {
        const before = await getOperation(documents, tables, operationId);
        if (before?.state !== 'RUNNING' || before.step !== 'REQUESTED') continue;
      }
      await machine.start(operationId, { operation_id: operationId });
      log.warn('topic held after a bad cycle', {
        topic_name: topic,
        operation_id: operationId,
        reason: operation.reason,
      });
      metrics.count('TopicsHeldAfterBadCycles');
    } catch (error) {
      log.error('topic not held after a bad cycle', { topic_name: topic, operation_id: operationId, error });
      metrics.count('TopicsNotHeld');
    }
  }
}

function holdOf(proposal: RewindProposal, item: Document | undefined, now: number): Operation {
  const { topic, cycleId, layer, why, toCycle } = proposal;
  const status = item?.['status'];
  const wish: OperationWish = {
    operationId: operationIdOf(new Date(proposal.at), 'hold', hexOf(`${topic} ${layer} ${cycleId}`)),
    kind: 'hold',
    topic,
    requestedBy: REQUESTED_BY,
    reason: `cycle ${cycleId} was bad: ${why}; to take it back: ${rewindCommand(proposal)}`,
    plan: {
      topic,
      table_name: tableNameOf(topic),
      epoch: epochOf(item),
      ...(typeof status === 'string' && { status }),
      bad_cycle: cycleId,
      to_cycle: toCycle,
    },
  };
  return newOperation(wish, new Date(now));
}
