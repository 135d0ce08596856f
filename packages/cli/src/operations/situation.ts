import { ownershipKey } from '@lean-ops/common/aws';
import {
  lockKeyOf,
  readCycleLease,
  readLock,
  readOperation,
  tableNameOf,
  type CycleLease,
  type Document,
  type Operation,
  type TopicLock,
  type TopicName,
} from '@lean-ops/common/core';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { waitingOf, type Waiting } from './waiting';

/** What a plan for one topic is made from. */
export interface TopicSituation {
  readonly topic: TopicName;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The topic's item in the registry; undefined when it has none. */
  readonly item: Document | undefined;
  /** The topic that owns the tables of its name; undefined where none does yet. */
  readonly owner: string | undefined;
  /** Whether any cycle or upload has met the topic. */
  readonly known: boolean;
  readonly lock: TopicLock | undefined;
  /** The operation that has the lock. */
  readonly holder: Operation | undefined;
  /** The lease of the cycle that runs; undefined when none does. */
  readonly cycle: CycleLease | undefined;
  readonly waiting: Waiting;
}

/** Reads the situation of a topic by a handful of requests for single items. It changes nothing. */
export async function readSituation(
  topic: TopicName,
  { registryTable, checkpointTable, operationsTable }: OperationsDeployment,
  { documents, clock }: Pick<Operator, 'documents' | 'clock'>,
): Promise<TopicSituation> {
  const checkpoint = (of: string, layer: string): Promise<Document | undefined> =>
    documents.get(checkpointTable, { topic_name: of, layer });
  const [item, ownership, standardized, lockItem, lease, raw, curated] = await Promise.all([
    documents.get(registryTable, { topic_name: topic }),
    documents.get(registryTable, ownershipKey(tableNameOf(topic))),
    checkpoint(topic, 'standardized'),
    documents.get(operationsTable, lockKeyOf(topic)),
    checkpoint('*', 'lease'),
    checkpoint('*', 'raw'),
    checkpoint('*', 'curated'),
  ]);
  const now = clock.now();
  const lock = readLock(lockItem);
  const holder = lock && readOperation(await documents.get(operationsTable, { operation_id: lock.holder }));
  const cycle = readCycleLease(lease);
  return {
    topic,
    now,
    item,
    owner: typeof ownership?.['owner'] === 'string' ? ownership['owner'] : undefined,
    known: item !== undefined || standardized !== undefined,
    lock,
    holder,
    cycle: cycle !== undefined && cycle.expiresAt * 1_000 > now ? cycle : undefined,
    waiting: waitingOf(topic, item, { raw, curated }),
  };
}
