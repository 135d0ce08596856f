import {
  ddlAtWork,
  epochOf,
  isHeld,
  isTopicName,
  lockKeyOf,
  readHold,
  readLock,
  readOperation,
  rewindProposals,
  type Document,
  type Hold,
  type Operation,
  type RewindProposal,
  type TopicName,
} from '@lean-ops/common/core';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { isDead } from './follow';
import { waitingOf, type RunItems, type Waiting } from './waiting';

/** Whether a topic is held, and what waits for it. It is part of `--format json`; times are ISO 8601 in UTC. */
export interface TopicState {
  readonly topic: TopicName;
  /** The status in the registry; null where the topic has none. */
  readonly status: string | null;
  readonly epoch: number;
  readonly held: boolean;
  /** Null where the topic is not held, and where somebody set its status by hand. */
  readonly hold: Hold | null;
  /** Whether the hold should be over. */
  readonly overdue: boolean;
  /** Whether the tables are being altered for a schema. */
  readonly altering: boolean;
  readonly waiting: Waiting;
  /** What was proposed after a bad cycle and nobody has answered. */
  readonly proposal: RewindProposal | null;
  /** The operation that is at work, or that failed and has the topic still. */
  readonly operation: Operation | null;
  /** Whether that operation is RUNNING and nobody works on it. */
  readonly dead: boolean;
}

interface Facts {
  readonly item: Document | undefined;
  readonly runs: RunItems;
  readonly operation: Operation | undefined;
  readonly dead: boolean;
  readonly now: number;
}

export function topicState(topic: TopicName, { item, runs, operation, dead, now }: Facts): TopicState {
  const status = item?.['status'];
  const hold = readHold(item);
  const ofRuns = [runs.raw, runs.curated].filter((run) => run !== undefined);
  const proposal = rewindProposals(ofRuns, item === undefined ? [] : [item]).find((one) => one.topic === topic);
  return {
    topic,
    status: typeof status === 'string' ? status : null,
    epoch: epochOf(item),
    held: isHeld(item),
    hold: hold ?? null,
    overdue: hold?.until !== undefined && Date.parse(hold.until) < now,
    altering: ddlAtWork(item, now),
    waiting: waitingOf(topic, item, runs),
    proposal: proposal ?? null,
    operation: operation ?? null,
    dead,
  };
}

/**
 * Whether there is anything to say of a topic: it is held, an operation has it, it has something to catch up with, or a rewind is
 * proposed for it.
 */
export function isNoteworthy({ held, altering, operation, proposal, waiting }: TopicState): boolean {
  if (proposal !== null) return true;
  return held || altering || operation !== null || waiting.cycles.length > 0 || waiting.upload !== undefined;
}

/** Whether somebody has to do something about a topic. */
export function needsSomebody({ overdue, operation, dead, proposal }: TopicState): boolean {
  return proposal !== null || overdue || dead || operation?.state === 'FAILED';
}

/** The state of one topic; undefined when nothing is known of it. */
export async function readTopicState(
  topic: TopicName,
  deployment: OperationsDeployment,
  operator: Pick<Operator, 'documents' | 'machine' | 'clock'>,
): Promise<TopicState | undefined> {
  const { documents, clock } = operator;
  const { registryTable, operationsTable, checkpointTable } = deployment;
  const [item, standardized, lockItem, runs] = await Promise.all([
    documents.get(registryTable, { topic_name: topic }),
    documents.get(checkpointTable, { topic_name: topic, layer: 'standardized' }),
    documents.get(operationsTable, lockKeyOf(topic)),
    readRuns(deployment, documents),
  ]);
  if (item === undefined && standardized === undefined) return undefined;
  const lock = readLock(lockItem);
  const operation = lock && readOperation(await documents.get(operationsTable, { operation_id: lock.holder }));
  const dead = operation !== undefined && (await isDead(operation, deployment, operator));
  return topicState(topic, { item, runs, operation, dead, now: clock.now() });
}

/** The states of all topics of which there is anything to say: what needs somebody first, then by topic. */
export async function readNoteworthyTopics(
  deployment: OperationsDeployment,
  operator: Pick<Operator, 'documents' | 'machine' | 'clock'>,
): Promise<TopicState[]> {
  const { documents, clock } = operator;
  const [registry, items, runs] = await Promise.all([
    documents.scan(deployment.registryTable),
    documents.scan(deployment.operationsTable),
    readRuns(deployment, documents),
  ]);
  const operations = new Map(items.map((item) => [item['operation_id'], item]));
  const holders = new Map(
    await Promise.all(
      items.flatMap((item) => {
        const lock = readLock(item);
        const operation = lock && readOperation(operations.get(lock.holder));
        if (operation === undefined) return [];
        return isDead(operation, deployment, operator).then((dead) => [operation.topic, { operation, dead }] as const);
      }),
    ),
  );
  const now = clock.now();
  return registry
    .flatMap((item) => {
      const { topic_name: topic } = item;
      if (typeof topic !== 'string' || !isTopicName(topic)) return [];
      const { operation, dead = false } = holders.get(topic) ?? {};
      return topicState(topic, { item, runs, operation, dead, now });
    })
    .filter(isNoteworthy)
    .sort((a, b) => Number(needsSomebody(b)) - Number(needsSomebody(a)) || (a.topic < b.topic ? -1 : 1));
}

async function readRuns(
  { checkpointTable }: OperationsDeployment,
  documents: Operator['documents'],
): Promise<RunItems> {
  const [raw, curated] = await Promise.all(
    ['raw', 'curated'].map((layer) => documents.get(checkpointTable, { topic_name: '*', layer })),
  );
  return { raw, curated };
}
