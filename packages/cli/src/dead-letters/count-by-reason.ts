import { DEAD_LETTER_CODES, isOwnCode } from '@lean-ops/common/core';
import type { DeadLetter, Unit } from './dead-letter';

export interface TopicCount {
  readonly topic: string;
  readonly count: number;
}

/** What failed for one reason. Entries that were sent again or discarded are counted apart. */
export interface ReasonCount {
  readonly code: string;
  readonly unit: Unit;
  /** The reason in words. */
  readonly meaning: string;
  readonly fromFirehose: boolean;
  /** How many are still to be dealt with. */
  readonly count: number;
  /** How many have been put into the stream again since. */
  readonly resent: number;
  /** How many somebody has said are not to be sent again. */
  readonly discarded: number;
  /** The topics of `count`, most first. */
  readonly topics: readonly TopicCount[];
  /** When the first and the last one failed, ISO 8601. */
  readonly first: string;
  readonly last: string;
}

/** A reason in words. Firehose's own codes are not a closed list, so those stand for themselves. */
export function meaningOf(code: string): string {
  return isOwnCode(code) ? DEAD_LETTER_CODES[code] : 'Firehose or its transform could not deliver';
}

/** Counts dead letters by reason, and within a reason by topic; the reason with the most comes first. */
export function countByReason(letters: Iterable<DeadLetter>): ReasonCount[] {
  const groups = new Map<string, Tally>();
  for (const letter of letters) {
    const key = `${letter.code}/${letter.unit}`;
    const group = groups.get(key) ?? new Tally(letter);
    groups.set(key, group);
    group.add(letter);
  }
  return [...groups.values()]
    .map((group) => group.reason())
    .sort((a, b) => b.count - a.count || b.resent - a.resent || b.discarded - a.discarded || compare(a.code, b.code));
}

/** The total over reasons. */
export function totalOf(reasons: readonly Pick<ReasonCount, 'count'>[]): number {
  return reasons.reduce((sum, { count }) => sum + count, 0);
}

class Tally {
  readonly #letter: DeadLetter;
  readonly #topics = new Map<string, number>();
  #resent = 0;
  #discarded = 0;
  #first: string;
  #last: string;

  constructor(letter: DeadLetter) {
    this.#letter = letter;
    this.#first = this.#last = letter.failedAt;
  }

  add({ topic, count, failedAt, closed }: DeadLetter): void {
    if (failedAt < this.#first) this.#first = failedAt;
    if (failedAt > this.#last) this.#last = failedAt;
    if (closed === undefined) this.#topics.set(topic, (this.#topics.get(topic) ?? 0) + count);
    else if (closed.how === 'discarded') this.#discarded += count;
    else this.#resent += count;
  }

  reason(): ReasonCount {
    const topics = [...this.#topics]
      .map(([topic, count]) => ({ topic, count }))
      .sort((a, b) => b.count - a.count || compare(a.topic, b.topic));
    const { code, unit, fromFirehose } = this.#letter;
    return {
      code,
      unit,
      meaning: meaningOf(code),
      fromFirehose,
      count: totalOf(topics),
      resent: this.#resent,
      discarded: this.#discarded,
      topics,
      first: this.#first,
      last: this.#last,
    };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
