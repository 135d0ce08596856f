/**
 * Freshness: how long ago the oldest event arrived in RAW that a layer has not taken yet. cycle-planner makes a metric of it,
 * and `lean-ops status` a report; both by this module. docs/decisions/0033-freshness-and-status.md.
 */
import type { Document } from '../condition';
import { isObject } from '../json/value';
import { ddlAtWork, isHeld, readReleasedAt } from '../operations/hold';
import { recordsAddedSince, type TableSnapshots } from './iceberg-metadata';
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

/** A topic of which a layer's last run noted what it has not taken, because it was held, or is stuck until somebody decides. */
export type ReleasedTopic = Omit<BehindTopic, 'error'>;

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
  /** Topics that the last run of the layer noted, and that are not held now and did not fail: the next run takes them on. */
  readonly released: readonly ReleasedTopic[];
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
 * therefore count for every topic. A held topic counts for neither layer, and a released one for what the runs left it: from its
 * release on, as nobody could take it before.
 */
export function freshnessOf({ now, snapshots, checkpoints, registry, targets }: FreshnessFacts): Freshness {
  const topics = topicsOf(registry, now);
  const runs = runItems(checkpoints);
  const waiting = TOPIC_LAYERS.flatMap((layer) => {
    // Before the first cycle no topic is known, and its rows wait for Standardized all the same.
    const takesNothing = layer === LAYERS.curated && topicsIn(layer, topics).length === 0;
    return takesNothing ? [] : (waitingRows(layer, snapshots, runs[layer]) ?? []);
  });
  const held = new Set(topics.filter((one) => one.held).map(({ topic }) => topic));
  const behind = TOPIC_LAYERS.flatMap((layer) => behindTopics(layer, runs[layer])).filter(
    ({ topic }) => !held.has(topic),
  );
  const failed = new Set(behind.map(({ topic, layer }) => `${topic} ${layer}`));
  const released = TOPIC_LAYERS.flatMap((layer) => heldNotes(layer, runs[layer])).filter(
    ({ topic, layer }) => !held.has(topic) && !failed.has(`${topic} ${layer}`),
  );

  const oldest = new Map<string, Omit<LateTopic, 'targetMinutes'>>();
  const note = (topic: string, layer: TopicLayer, since: number): void => {
    const known = oldest.get(topic);
    if (known === undefined || since < known.since) oldest.set(topic, { topic, layer, since });
  };
  const releasedAt = new Map(topics.map((one) => [one.topic, one.releasedAt]));
  const left = [...behind, ...released].map((one) => ({
    ...one,
    since: Math.max(one.since, releasedAt.get(one.topic) ?? one.since),
  }));
  for (const { topic, layer, since } of left) note(topic, layer, since);
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
  const named = new Set([...Object.keys(targets.topicMinutes), ...left.map(({ topic }) => topic)]);
  const sinces = [...waiting, ...left].map(({ since }) => since);
  return {
    waiting,
    behind,
    released,
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
  now,
  snapshots,
  checkpoints,
  registry,
}: Omit<FreshnessFacts, 'targets'>): boolean {
  if (topicsIn(LAYERS.curated, topicsOf(registry, now)).length === 0) return false;
  const taken = runItems(checkpoints).curated?.['snapshot_id'];
  // Before its first run Curated has topics to back-fill, and those start it.
  if (typeof taken !== 'string' || taken === '') return false;
  return recordsAddedSince(snapshots, taken).records > 0;
}

/**
 * True when a topic was given back after the last run of Standardized began. An operation may have moved its tables, which no run
 * has noted; without new rows nothing else would start the next.
 */
export function somethingWasReleased({
  now,
  checkpoints,
  registry,
}: Pick<FreshnessFacts, 'now' | 'checkpoints' | 'registry'>): boolean {
  const began = timeOfCycle(runItems(checkpoints).standardized?.['cycle_id']);
  return topicsOf(registry, now).some(({ held, releasedAt }) => !held && (releasedAt ?? 0) > began);
}

/** When a run began by its cycle, in epoch milliseconds; never, where there is none. */
function timeOfCycle(cycleId: unknown): number {
  const time = typeof cycleId === 'string' ? cycleId.slice(0, 'yyyymmddThhmmssZ'.length) : '';
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}

/**
 * True when the last run of a layer left something that the next one can take: a topic that failed, or one that was held then
 * and is not any more. A topic that failed and is held now waits for its release.
 */
export function somethingWasLeft({
  now,
  checkpoints,
  registry,
}: Pick<FreshnessFacts, 'now' | 'checkpoints' | 'registry'>): boolean {
  const topics = topicsOf(registry, now);
  const runs = runItems(checkpoints);
  return TOPIC_LAYERS.some((layer) => {
    const run = runs[layer];
    const failed = behindTopics(layer, run);
    const taken = new Set(topicsIn(layer, topics).map(({ topic }) => topic));
    // A topic without an item is taken by Standardized, which makes it known.
    const known = new Set(topics.map(({ topic }) => topic));
    const canGoOn = (topic: string): boolean =>
      taken.has(topic) || (layer === LAYERS.standardized && !known.has(topic));
    const incomplete =
      run?.['status'] === 'incomplete' && (failed.length === 0 || failed.some(({ topic }) => canGoOn(topic)));
    return incomplete || topicsLeftHeld(run).some(canGoOn);
  });
}

/**
 * Whether the jobs leave a topic's tables alone. The twin is holds_of in scripts/glue/lean_ops/bookkeeping/held_topics.py.
 *
 * @param now epoch milliseconds
 */
export function isLeftAlone(item: Document, now: number): boolean {
  return isHeld(item) || ddlAtWork(item, now);
}

interface RegisteredTopic {
  readonly topic: string;
  readonly enabled: boolean;
  readonly held: boolean;
  /** When its last hold ended, in epoch milliseconds; undefined where it had none. */
  readonly releasedAt: number | undefined;
}

function topicsOf(registry: readonly Document[], now: number): RegisteredTopic[] {
  return registry.flatMap((item) => {
    const topic = item['topic_name'];
    if (typeof topic !== 'string' || topic.includes('#')) return [];
    const enabled = item['processing_enabled'] === true;
    return { topic, enabled, held: isLeftAlone(item, now), releasedAt: readReleasedAt(item) };
  });
}

/**
 * The topics that a layer takes: those that are not held. Every topic has a Standardized table, and one with an active schema a
 * Curated one.
 */
function topicsIn(layer: TopicLayer, topics: readonly RegisteredTopic[]): readonly RegisteredTopic[] {
  return topics.filter(({ enabled, held }) => !held && (layer === LAYERS.standardized || enabled));
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
  const since = typeof taken === 'string' && taken !== '' ? taken : undefined;
  const { records, firstCommittedAt } = recordsAddedSince(snapshots, since);
  return firstCommittedAt === undefined ? undefined : { layer, since: firstCommittedAt, records };
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

/**
 * The topics of which a layer's last run noted what they have not taken. One that is stuck failed as well, so it counts as
 * behind. scripts/glue/lean_ops/bookkeeping/held_topics.py writes the notes.
 */
function heldNotes(layer: TopicLayer, run: Document | undefined): ReleasedTopic[] {
  return noted(run?.['held'], run?.['updated_at']).map(({ topic, time, cycleId }) => ({
    topic,
    layer,
    since: time,
    cycleId,
  }));
}

/** The names alone: whatever the notes say besides, a topic that was left alone is taken on. */
function topicsLeftHeld(run: Document | undefined): string[] {
  const notes = run?.['held'];
  if (!Array.isArray(notes)) return [];
  return notes.filter(isObject).flatMap(({ topic_name: topic }) => (typeof topic === 'string' ? [topic] : []));
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

/** @param otherwise the time of a note that says none */
function noted(list: unknown, otherwise?: unknown): Note[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).flatMap((item) => {
    const text = (name: string): string => (typeof item[name] === 'string' ? item[name] : '');
    const time = Date.parse(text('since') || (typeof otherwise === 'string' ? otherwise : ''));
    if (text('topic_name') === '' || Number.isNaN(time)) return [];
    return { topic: text('topic_name'), time, cycleId: text('cycle_id'), error: text('error') };
  });
}
