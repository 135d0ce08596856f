/**
 * Freshness: how long ago the oldest event arrived in RAW that a layer has not taken yet. cycle-planner makes a metric of it,
 * and `lean-ops status` a report; both by this module. docs/decisions/0033-freshness-and-status.md.
 */
import type { Document } from '../condition';
import { isObject } from '../json/value';
import { HELD_STATUSES } from '../operations/hold';
import { appendsSince, type TableSnapshots } from './iceberg-metadata';
import { LAYERS } from './tables';

export const TOPIC_LAYERS = [LAYERS.standardized, LAYERS.curated] as const;
export type TopicLayer = (typeof TOPIC_LAYERS)[number];

/** How many minutes a topic may be behind before it counts as late. */
export interface FreshnessTargets {
  readonly defaultMinutes: number;
  /** The topics with a target of their own. */
  readonly topicMinutes: Readonly<Record<string, number>>;
}

/** Reads targets from `{ default: 60, topics: { "a.b": 30 } }`; undefined for anything else. */
export function readFreshnessTargets(value: unknown): FreshnessTargets | undefined {
  if (!isObject(value) || !isMinutes(value['default']) || !isObject(value['topics'])) return undefined;
  const entries = Object.entries(value['topics']);
  const topics = entries.filter((entry): entry is [string, number] => isMinutes(entry[1]));
  if (topics.length < entries.length) return undefined;
  return { defaultMinutes: value['default'], topicMinutes: Object.fromEntries(topics) };
}

function isMinutes(value: unknown): value is number {
  return typeof value === 'number' && value > 0;
}

/** A topic that a layer's last run left behind. */
export interface BehindTopic {
  readonly topic: string;
  readonly layer: TopicLayer;
  /** When the oldest event arrived that the topic has not taken, in epoch milliseconds. */
  readonly since: number;
  /** The first cycle that the topic has not taken. */
  readonly cycleId: string;
  /** Why, in the job's words. */
  readonly error: string;
}

/** Rows of RAW that a layer has not taken, of whatever topics. */
export interface WaitingRows {
  readonly layer: TopicLayer;
  /** When the first of them was committed to RAW, in epoch milliseconds. */
  readonly since: number;
  readonly records: number;
}

/** A topic past its target. */
export interface LateTopic {
  readonly topic: string;
  readonly layer: TopicLayer;
  readonly since: number;
  readonly targetMinutes: number;
}

export interface Freshness {
  readonly waiting: readonly WaitingRows[];
  readonly behind: readonly BehindTopic[];
  /** Each late topic once, with the layer that is behind the longest; the latest first. */
  readonly late: readonly LateTopic[];
  /** Minutes by which the topic that is behind the longest is behind; 0 when every layer has everything. */
  readonly oldestMinutes: number;
  /** Minutes for each topic with a target of its own, and for each that a run left behind. */
  readonly topicMinutes: Readonly<Record<string, number>>;
}

/** What freshness is computed from. */
export interface FreshnessFacts {
  readonly now: number;
  readonly snapshots: TableSnapshots;
  /** Items of the checkpoint table; those about all topics count. docs/data-contracts.md, DynamoDB. */
  readonly checkpoints: readonly Document[];
  /** Items of the schema registry. */
  readonly registry: readonly Document[];
  readonly targets: FreshnessTargets;
}

/** The item about a layer's last run in the checkpoint table, by the name it has there. */
const RUN_ITEMS = { standardized: 'raw', curated: 'curated' } as const;

const MINUTE = 60_000;

/**
 * Computes the freshness of all topics from RAW's metadata and the copies of the checkpoints, without a query.
 *
 * A row of RAW that no run has taken may be of any topic, as the files of Firehose have the events of many. Such rows
 * therefore count for every topic. A topic that an operator holds counts for Standardized only.
 */
export function freshnessOf({ now, snapshots, checkpoints, registry, targets }: FreshnessFacts): Freshness {
  const topics = topicsOf(registry);
  const runs = runItems(checkpoints);
  const waiting = TOPIC_LAYERS.flatMap((layer) => {
    // Before the first cycle no topic is known, and its rows wait for Standardized all the same.
    const takesNothing = layer === LAYERS.curated && topicsIn(layer, topics).length === 0;
    return takesNothing ? [] : (waitingRows(layer, snapshots, runs[layer]) ?? []);
  });
  const held = new Set(topics.filter((one) => one.held).map(({ topic }) => topic));
  const behind = TOPIC_LAYERS.flatMap((layer) =>
    behindTopics(layer, runs[layer]).filter(({ topic }) => layer === LAYERS.standardized || !held.has(topic)),
  );

  const oldest = new Map<string, Omit<LateTopic, 'targetMinutes'>>();
  const note = (topic: string, layer: TopicLayer, since: number): void => {
    const known = oldest.get(topic);
    if (known === undefined || since < known.since) oldest.set(topic, { topic, layer, since });
  };
  for (const { topic, layer, since } of behind) note(topic, layer, since);
  for (const { layer, since } of waiting) for (const { topic } of topicsIn(layer, topics)) note(topic, layer, since);

  const minutes = (since: number): number => Math.max(0, (now - since) / MINUTE);
  const targetOf = (topic: string): number =>
    Object.hasOwn(targets.topicMinutes, topic)
      ? (targets.topicMinutes[topic] ?? targets.defaultMinutes)
      : targets.defaultMinutes;
  const late = [...oldest.values()]
    .map((one) => ({ ...one, targetMinutes: targetOf(one.topic) }))
    .filter(({ since, targetMinutes }) => minutes(since) > targetMinutes)
    .sort((a, b) => a.since - b.since || (a.topic < b.topic ? -1 : 1));
  const named = new Set([...Object.keys(targets.topicMinutes), ...behind.map(({ topic }) => topic)]);
  const sinces = [...waiting, ...behind].map(({ since }) => since);
  return {
    waiting,
    behind,
    late,
    oldestMinutes: sinces.length === 0 ? 0 : minutes(Math.min(...sinces)),
    topicMinutes: Object.fromEntries(
      [...named].sort().map((topic) => [topic, minutes(oldest.get(topic)?.since ?? now)]),
    ),
  };
}

/**
 * True when Standardized took rows of RAW of which Curated has not ended a run. A run that ends notes by itself which topics
 * it left behind; one that died could not, and without new rows nothing else would start the next.
 */
export function curatedRunIsMissing({
  snapshots,
  checkpoints,
  registry,
}: Pick<FreshnessFacts, 'snapshots' | 'checkpoints' | 'registry'>): boolean {
  if (topicsIn(LAYERS.curated, topicsOf(registry)).length === 0) return false;
  const taken = runItems(checkpoints).curated?.['snapshot_id'];
  // Before its first run Curated has topics to back-fill, and those start it.
  if (typeof taken !== 'string' || taken === '') return false;
  return appendsSince(snapshots, taken).length > 0;
}

interface RegisteredTopic {
  readonly topic: string;
  readonly enabled: boolean;
  readonly held: boolean;
}

function topicsOf(registry: readonly Document[]): RegisteredTopic[] {
  return registry.flatMap((item) => {
    const topic = item['topic_name'];
    if (typeof topic !== 'string' || topic.includes('#')) return [];
    return { topic, enabled: item['processing_enabled'] === true, held: HELD_STATUSES.has(item['status']) };
  });
}

/** The topics that a layer takes. Every topic has a Standardized table, and one with an active schema a Curated one. */
function topicsIn(layer: TopicLayer, topics: readonly RegisteredTopic[]): readonly RegisteredTopic[] {
  return layer === LAYERS.standardized ? topics : topics.filter(({ enabled, held }) => enabled && !held);
}

type RunItems = Readonly<Record<TopicLayer, Document | undefined>>;

function runItems(checkpoints: readonly Document[]): RunItems {
  const find = (name: string): Document | undefined =>
    checkpoints.find(({ topic_name: topic, layer }) => topic === '*' && layer === name);
  return { standardized: find(RUN_ITEMS.standardized), curated: find(RUN_ITEMS.curated) };
}

function waitingRows(layer: TopicLayer, snapshots: TableSnapshots, run: Document | undefined): WaitingRows | undefined {
  const taken = run?.['snapshot_id'];
  // Curated has no item before its first run, and none with a snapshot from a version that did not write one.
  if (layer === LAYERS.curated && typeof taken !== 'string') return undefined;
  const appends = appendsSince(snapshots, typeof taken === 'string' && taken !== '' ? taken : undefined);
  const times = appends.flatMap(({ committedAt }) => committedAt ?? []);
  if (times.length === 0) return undefined;
  return { layer, since: Math.min(...times), records: appends.reduce((sum, { records }) => sum + records, 0) };
}

/** The topics that a layer's last run left behind. scripts/glue/lean_ops/bookkeeping/left_behind.py writes them. */
export function behindTopics(layer: TopicLayer, run: Document | undefined): BehindTopic[] {
  return noted(run?.['behind']).map(({ topic, time, cycleId, error }) => ({
    topic,
    layer,
    since: time,
    cycleId,
    error,
  }));
}

/** A topic whose table once gained other rows than the ledger's counts say. */
export interface UnbalancedTopic {
  readonly topic: string;
  readonly layer: TopicLayer;
  /** When it was found, in epoch milliseconds. */
  readonly at: number;
  readonly cycleId: string;
  readonly error: string;
}

/** The topics that were found unbalanced lately, in either layer; the newest first. */
export function unbalancedTopics(checkpoints: readonly Document[]): UnbalancedTopic[] {
  const runs = runItems(checkpoints);
  return TOPIC_LAYERS.flatMap((layer) =>
    noted(runs[layer]?.['unbalanced']).map(({ topic, time, cycleId, error }) => ({
      topic,
      layer,
      at: time,
      cycleId,
      error,
    })),
  ).sort((a, b) => b.at - a.at);
}

interface Note {
  readonly topic: string;
  readonly time: number;
  readonly cycleId: string;
  readonly error: string;
}

function noted(list: unknown): Note[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).flatMap((item) => {
    const text = (name: string): string => (typeof item[name] === 'string' ? item[name] : '');
    const time = Date.parse(text('since'));
    if (text('topic_name') === '' || Number.isNaN(time)) return [];
    return { topic: text('topic_name'), time, cycleId: text('cycle_id'), error: text('error') };
  });
}
