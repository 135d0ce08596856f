/** What the jobs propose after a bad cycle. docs/decisions/0047-proposals-after-bad-cycles.md. */
import type { Document } from '../condition';
import { isObject } from '../json/value';
import { isTopicName, type TopicName } from '../topic';
import { readReleasedAt } from './hold';

/** A proposal to take a topic back to the cycle before a bad one. scripts/glue/lean_ops/bookkeeping/proposals.py writes them. */
export interface RewindProposal {
  readonly topic: TopicName;
  /** The layer in which the cycle was bad. */
  readonly layer: 'standardized' | 'curated';
  /** When it was proposed, in epoch milliseconds. */
  readonly at: number;
  /** The bad cycle. */
  readonly cycleId: string;
  /** The last cycle before it that the layer's table had taken. */
  readonly toCycle: string;
  /** What was bad, in words without values. */
  readonly why: string;
}

const RUN_LAYERS: ReadonlyMap<unknown, RewindProposal['layer']> = new Map([
  ['raw', 'standardized'],
  ['curated', 'curated'],
]);

/**
 * What is proposed and nobody has answered yet, one for each topic, the newest first. Somebody has answered when the topic was released
 * after the proposal: whoever rewinds a topic holds and releases it, and whoever does not want to can do so as well. Where both layers
 * propose, the earlier cycle counts, since it is before both bad ones.
 */
export function rewindProposals(checkpoints: readonly Document[], registry: readonly Document[]): RewindProposal[] {
  const released = new Map(registry.map((item) => [item['topic_name'], readReleasedAt(item)]));
  const byTopic = new Map<string, RewindProposal>();
  for (const item of checkpoints) {
    const layer = item['topic_name'] === '*' ? RUN_LAYERS.get(item['layer']) : undefined;
    const notes: unknown = item['proposals'];
    if (layer === undefined || !Array.isArray(notes)) continue;
    for (const proposal of notes.flatMap((note: unknown) => readProposal(note, layer) ?? [])) {
      const before = byTopic.get(proposal.topic);
      const isAnswered = (released.get(proposal.topic) ?? 0) > proposal.at;
      if (isAnswered || (before !== undefined && before.toCycle <= proposal.toCycle)) continue;
      byTopic.set(proposal.topic, proposal);
    }
  }
  return [...byTopic.values()].sort((a, b) => b.at - a.at || (a.topic < b.topic ? -1 : 1));
}

/** The command that does what is proposed. */
export function rewindCommand({ topic, toCycle }: Pick<RewindProposal, 'topic' | 'toCycle'>): string {
  return `lean-ops topic rewind ${topic} --to ${toCycle}`;
}

/** undefined for what is no such note, as an item may have been edited. */
function readProposal(note: unknown, layer: RewindProposal['layer']): RewindProposal | undefined {
  if (!isObject(note)) return undefined;
  const text = (name: string): string => (typeof note[name] === 'string' ? note[name] : '');
  const [topic, at] = [text('topic_name'), Date.parse(text('since'))];
  if (!isTopicName(topic) || Number.isNaN(at) || text('to_cycle') === '') return undefined;
  return { topic, layer, at, cycleId: text('cycle_id'), toCycle: text('to_cycle'), why: text('error') };
}
