/** Which topics `topic compact --all` takes, and in which order. */
import { isHeld, isTopicName, readHold, readLock, type Document, type TopicName } from '@lean-ops/common/core';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { gainOf, heldText } from './plan';
import { readAllTableSizes, type SizedTable } from './table-sizes';

/** A topic that gains by being compacted. */
export interface Candidate {
  readonly topic: TopicName;
  /** The most files that it spares whoever reads its tables; a delete file counts for many. */
  readonly gain: number;
  readonly tables: readonly SizedTable[];
}

/** A topic that would gain, and is left alone. */
export interface Skipped {
  readonly topic: TopicName;
  readonly code: 'TOPIC_BUSY' | 'ALREADY_HELD';
  readonly message: string;
}

export interface Choice {
  /** The topics to compact, those that gain most first. */
  readonly chosen: readonly Candidate[];
  readonly skipped: readonly Skipped[];
  /** How many more topics would gain. */
  readonly later: number;
  /** The topics of which a table's metadata cannot be read, so that nobody knows what they would gain, and why. */
  readonly unknown: readonly { readonly topic: TopicName; readonly problem: string }[];
}

/** Reads how much all topics would gain: a scan of the registry and of the operations, two listings, and each table's metadata. */
export async function readChoice(limit: number, deployment: OperationsDeployment, operator: Operator): Promise<Choice> {
  const { documents } = operator;
  const [registry, operations] = await Promise.all([
    documents.scan(deployment.registryTable),
    documents.scan(deployment.operationsTable),
  ]);
  return chooseTopics(await readAllTableSizes(registry, deployment, operator), { registry, operations, limit });
}

interface Rules {
  /** The items of the registry, and of the table of operations. */
  readonly registry: readonly Document[];
  readonly operations: readonly Document[];
  /** The most topics to choose. */
  readonly limit: number;
}

/** Somebody works on a topic that is held or that an operation has, so it is not for a command that takes all. */
export function chooseTopics(
  sizes: ReadonlyMap<TopicName, readonly SizedTable[]>,
  { registry, operations, limit }: Rules,
): Choice {
  const items = new Map(registry.map((item) => [item['topic_name'], item]));
  const locks = new Map(operations.flatMap((item) => lockEntry(item)));
  const ranked = [...sizes]
    .map(([topic, tables]) => ({ topic, tables, gain: gainOf(tables) }))
    .filter(({ gain }) => gain > 0)
    .sort((a, b) => b.gain - a.gain || (a.topic < b.topic ? -1 : 1));
  const skipped = ranked.flatMap(({ topic }) => whySkipped(topic, items.get(topic), locks.get(topic)) ?? []);
  const left = new Set(skipped.map(({ topic }) => topic));
  const free = ranked.filter(({ topic }) => !left.has(topic));
  return {
    chosen: free.slice(0, limit),
    skipped,
    later: Math.max(0, free.length - limit),
    unknown: [...sizes].flatMap(([topic, tables]) => {
      const problem = tables.find((table) => table.problem !== undefined)?.problem;
      return problem === undefined ? [] : [{ topic, problem }];
    }),
  };
}

function lockEntry(item: Document): [TopicName, string][] {
  const lock = readLock(item);
  if (lock === undefined || !isTopicName(lock.topic)) return [];
  return [[lock.topic, `${lock.holder} has had it since ${lock.since}`]];
}

function whySkipped(topic: TopicName, item: Document | undefined, busy: string | undefined): Skipped | undefined {
  if (busy !== undefined) return { topic, code: 'TOPIC_BUSY', message: busy };
  if (!isHeld(item)) return undefined;
  const hold = readHold(item);
  return { topic, code: 'ALREADY_HELD', message: hold === undefined ? 'held by hand' : `held ${heldText(hold)}` };
}
