/** What `dlq replay` would do: each letter is read, and the decoder asked. It changes nothing. */
import { hash } from 'node:crypto';
import { mapLimit, messageOf, type DocumentValue } from '@lean-ops/common/core';
import type { OperatedDeployment } from '../pipeline/deployment';
import type { Redeliverer } from '../pipeline/redeliverer';
import { prepareReplay, readArchived } from './archived-message';
import { chainsOf } from './chains';
import type { DeadLetter } from './dead-letter';
import { selectLetters, type LetterSelection } from './select-letters';

/** How often a message that dies again is sent again, unless somebody says so. */
export const MAX_ATTEMPTS = 3;
/** Letters that are read at the same time. */
const CONCURRENCY = 16;
/** Objects of Firehose that are read at the same time: one may have 256 MiB. */
const OBJECT_CONCURRENCY = 3;
/** Letters that are read before it is seen whether the limit is reached. */
const STRIDE = 200;

export interface ReplayWish extends LetterSelection {
  /** The topic for letters without a usable one. */
  readonly topicAs?: string | undefined;
  /** The most messages to send. */
  readonly limit: number;
  /** Whether also what was sent again already, or has died too often. */
  readonly again: boolean;
}

/** A letter that would be taken now. */
export interface SendableLetter {
  readonly letter: DeadLetter;
  /** The topic that it goes to. */
  readonly topic: string;
  /** Whether the topic is the one of `topicAs`. */
  readonly topicAs: boolean;
}

/** An entry of Firehose whose records would go into the stream again. */
export interface SendableEntry {
  readonly letter: DeadLetter;
  /** How many records. */
  readonly records: number;
  /** Where to begin, as a part of it was sent before; undefined for its beginning. */
  readonly from: string | undefined;
}

/** A letter that is not sent, and why. */
export interface UnsentLetter {
  readonly letter: DeadLetter;
  readonly code: string;
  readonly message: string;
  /** How many records or messages. */
  readonly count: number;
}

export interface ReplayPlan {
  /** The oldest first. */
  readonly letters: readonly SendableLetter[];
  readonly entries: readonly SendableEntry[];
  /** What would fail again, by the decoder or by stream-error-reader. */
  readonly failing: readonly UnsentLetter[];
  /** What cannot be sent, as the archive does not have it any more. */
  readonly gone: readonly UnsentLetter[];
  /** Letters that have died too often. */
  readonly worn: readonly DeadLetter[];
  /** How many letters people have dealt with. */
  readonly closed: { readonly replayed: number; readonly edited: number; readonly discarded: number };
  /** How many letters there was no room for within the limit, and that were not all looked at. */
  readonly beyond: number;
  /** Of these, entries of Firehose that no run sends, as each holds more records than the limit and goes as a whole. */
  readonly tooLong: readonly SendableEntry[];
  /** True when the archive has more than were read. */
  readonly more: boolean;
  /** The ids that were asked for and mean no letter. */
  readonly unmatched: readonly string[];
}

type Judged =
  | { readonly kind: 'letter'; readonly sendable: SendableLetter }
  | { readonly kind: 'entry'; readonly sendable: SendableEntry | undefined; readonly failing: readonly UnsentLetter[] }
  | { readonly kind: 'failing' | 'gone'; readonly unsent: UnsentLetter };

/** The codes of what is not there any more, of letters and of Firehose's error objects. */
const GONE = new Set(['OBJECT_GONE', 'OBJECT_UNREADABLE', 'BODY_GONE', 'ATTRIBUTES_GONE', 'ERROR_OBJECT_GONE']);

/** The code of an entry of which stream-error-reader did not answer. */
export const NO_ANSWER = 'NO_ANSWER';

/** An operation's id in a plan, as long as those are: it is part of the message whose size counts. */
const PLANNED = '20000101T000000Z-replay-000000';

export async function planReplay(
  wish: ReplayWish,
  deployment: OperatedDeployment,
  redeliverer: Redeliverer,
): Promise<ReplayPlan> {
  const { letters: selected, more, unmatched } = await selectLetters(redeliverer.archive, wish);
  // Without --again, what was sent before is not sent, whatever came of it.
  const chains = await chainsOf(
    redeliverer.archive,
    selected.filter(({ closed }) => closed === undefined || wish.again),
  );
  const closed = { replayed: 0, edited: 0, discarded: 0 };
  const worn: DeadLetter[] = [];
  const open = selected.filter((letter) => {
    if (letter.closed !== undefined && (letter.closed.how === 'discarded' || !wish.again)) {
      closed[letter.closed.how] += 1;
      return false;
    }
    if (!letter.fromFirehose && chains.isDiscarded(letter)) {
      closed.discarded += 1;
      return false;
    }
    // Its message was sent, and has died again as a letter that says how often.
    if (!letter.fromFirehose && !chains.isNewest(letter)) {
      closed.replayed += 1;
      return false;
    }
    if (letter.attempt < MAX_ATTEMPTS || wish.again) return true;
    worn.push(letter);
    return false;
  });
  const plan = {
    letters: [],
    entries: [],
    failing: [],
    gone: [],
    worn,
    closed,
    beyond: 0,
    tooLong: [],
    more: more || chains.more,
    unmatched,
  };
  return fill(plan, open, wish, deployment, redeliverer);
}

/** Judges letters, the oldest first, until as many are found as may be sent. */
async function fill(
  empty: ReplayPlan,
  open: readonly DeadLetter[],
  wish: ReplayWish,
  deployment: OperatedDeployment,
  redeliverer: Redeliverer,
): Promise<ReplayPlan> {
  const letters: SendableLetter[] = [];
  const entries: SendableEntry[] = [];
  const failing: UnsentLetter[] = [];
  const gone: UnsentLetter[] = [];
  const tooLong: SendableEntry[] = [];
  let [room, beyond, at] = [wish.limit, 0, 0];
  for (; at < open.length && room > 0; at += STRIDE) {
    const stride = open.slice(at, at + STRIDE);
    const streams = await mapLimit(stride.filter(isStream), OBJECT_CONCURRENCY, (one) =>
      judgeEntry(one, wish, redeliverer),
    );
    const messages = await mapLimit(
      stride.filter((one) => !isStream(one)),
      CONCURRENCY,
      (one) => judgeLetter(one, wish, deployment, redeliverer),
    );
    for (const judged of [...messages, ...streams]) {
      switch (judged.kind) {
        case 'letter':
          if (room > 0) letters.push(judged.sendable);
          else beyond += 1;
          room = Math.max(0, room - 1);
          break;
        case 'entry':
          failing.push(...judged.failing.filter(({ code }) => !GONE.has(code)));
          gone.push(...judged.failing.filter(({ code }) => GONE.has(code)));
          if (judged.sendable === undefined) break;
          // An entry is sent as a whole.
          if (judged.sendable.records <= room) {
            entries.push(judged.sendable);
            room -= judged.sendable.records;
          } else {
            beyond += 1;
            if (judged.sendable.records > wish.limit) tooLong.push(judged.sendable);
          }
          break;
        case 'failing':
          failing.push(judged.unsent);
          break;
        case 'gone':
          gone.push(judged.unsent);
          break;
      }
    }
  }
  return { ...empty, letters, entries, failing, gone, tooLong, beyond: beyond + Math.max(0, open.length - at) };
}

export function isStream({ fromFirehose }: DeadLetter): boolean {
  return fromFirehose;
}

async function judgeLetter(
  letter: DeadLetter,
  { topicAs }: Pick<ReplayWish, 'topicAs'>,
  { archiveBucket }: OperatedDeployment,
  { objects, clock }: Redeliverer,
): Promise<Judged> {
  const read = readArchived((await objects.get(archiveBucket, letter.s3Key))?.body, letter.s3Key);
  if (!read.ok) return { kind: 'gone', unsent: { letter, code: read.code, message: read.message, count: 1 } };
  const prepared = prepareReplay(read.message, { topicAs, operation: PLANNED }, clock.now());
  if (prepared.ok) {
    return { kind: 'letter', sendable: { letter, topic: prepared.header.topic, topicAs: prepared.topicAs } };
  }
  return { kind: 'failing', unsent: { letter, code: prepared.code, message: prepared.message, count: 1 } };
}

async function judgeEntry(
  letter: DeadLetter,
  { again }: Pick<ReplayWish, 'again'>,
  { streamErrors }: Redeliverer,
): Promise<Judged> {
  if (letter.refused !== undefined && !again) {
    const [code = '', message = ''] = letter.refused.note.split(/: (.*)/s);
    const failing = [{ letter, code, message, count: letter.refused.count }];
    return { kind: 'entry', sendable: undefined, failing };
  }
  const from = again ? undefined : letter.resendNext;
  let answer: ResendAnswer;
  try {
    answer = await resendEntry(letter, streamErrors, { dryRun: true, from });
  } catch (error) {
    // One that takes too long, or is throttled, keeps none of the others.
    const failing = [{ letter, code: NO_ANSWER, message: messageOf(error), count: letter.count }];
    return { kind: 'entry', sendable: undefined, failing };
  }
  const { left, refused } = answer;
  const failing = refused.map(({ code, reason, records }) => ({ letter, code, message: reason, count: records }));
  return { kind: 'entry', sendable: left > 0 ? { letter, records: left, from } : undefined, failing };
}

/** The answer of stream-error-reader to a resend. packages/stream-error-reader/src/resend-tally.ts */
export interface ResendAnswer {
  readonly resent: number;
  readonly left: number;
  readonly refused: readonly { readonly code: string; readonly reason: string; readonly records: number }[];
  readonly left_because: readonly { readonly code: string; readonly reason: string; readonly records: number }[];
  /** Where a further request goes on with what is left. */
  readonly next?: string;
}

/** Asks stream-error-reader to put one entry's records into the stream again, from a place on, or how many it would. */
export async function resendEntry(
  { topic, entry }: DeadLetter,
  invoke: (event: DocumentValue) => Promise<unknown>,
  { dryRun, from }: { readonly dryRun: boolean; readonly from: string | undefined },
): Promise<ResendAnswer> {
  const request = { action: 'resend', topic_name: topic, entry, dry_run: dryRun, ...(from !== undefined && { from }) };
  return (await invoke(request)) as ResendAnswer;
}

/** How many messages and records a plan sends. */
export function sentBy({ letters, entries }: Pick<ReplayPlan, 'letters' | 'entries'>): number {
  return letters.length + entries.reduce((sum, { records }) => sum + records, 0);
}

/** What a plan rests on, as a word: how many are sent, and a short name of which. */
export function basisOfReplay(plan: Pick<ReplayPlan, 'letters' | 'entries'>): string {
  const named = [
    ...plan.letters.map(({ letter, topic }) => `${letter.topic} ${letter.entry} ${topic}`),
    ...plan.entries.map(({ letter, records }) => `${letter.topic} ${letter.entry} ${records}`),
  ];
  return `send=${sentBy(plan)},letters=${digestOf(named)}`;
}

export function digestOf(names: readonly string[]): string {
  return hash('sha256', [...names].sort().join('\n'), 'hex').slice(0, 12);
}
