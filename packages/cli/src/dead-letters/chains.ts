/** The letters that one message left behind: its first, and one for each time that it was sent again and died again. */
import type { ArchiveReader } from '@lean-ops/common/aws';
import type { DeadLetter } from './dead-letter';
import { selectLetters } from './select-letters';

export interface Chains {
  /** Whether no later letter of the same message is known: only that one says how often the message was sent. */
  readonly isNewest: (letter: DeadLetter) => boolean;
  /** Whether people have said of any letter of the message that it is not to be sent again. */
  readonly isDiscarded: (letter: DeadLetter) => boolean;
  /** True when the archive has more than were read. */
  readonly more: boolean;
}

const DAY = /^dlq\/[^/]+\/(\d{4})\/(\d\d)\/(\d\d)\//;

/** The archive key of the first letter, by which the letters of one message are known. */
function chainOf({ firstLetter, s3Key }: DeadLetter): string {
  return firstLetter ?? s3Key;
}

function isLater(a: DeadLetter, b: DeadLetter): boolean {
  if (a.attempt !== b.attempt) return a.attempt > b.attempt;
  return a.failedAt === b.failedAt ? a.entry > b.entry : a.failedAt > b.failedAt;
}

/**
 * Finds the other letters of the messages whose letters were selected. A letter of another time, topic or reason may be the newest
 * of a message, or the one that was discarded, so that all since the first are read where a message was sent before.
 */
export async function chainsOf(reader: ArchiveReader, selected: readonly DeadLetter[]): Promise<Chains> {
  const letters = selected.filter(({ fromFirehose }) => !fromFirehose);
  const sent = letters.filter(({ firstLetter, closed }) => firstLetter !== undefined || closed?.how === 'replayed');
  const since = sent.map(beganOf).sort()[0];
  const { letters: others, more } =
    since === undefined ? { letters: [], more: false } : await selectLetters(reader, { since });
  const newest = new Map<string, DeadLetter>();
  const discarded = new Set<string>();
  for (const letter of [...letters, ...others]) {
    if (letter.fromFirehose) continue;
    const chain = chainOf(letter);
    const known = newest.get(chain);
    if (known === undefined || isLater(letter, known)) newest.set(chain, letter);
    if (letter.closed?.how === 'discarded') discarded.add(chain);
  }
  return {
    isNewest: (letter) => newest.get(chainOf(letter))?.entry === letter.entry,
    isDiscarded: (letter) => discarded.has(chainOf(letter)),
    more,
  };
}

/** The day on which a message first died, or the time of a letter that does not say. */
function beganOf({ firstLetter, failedAt }: DeadLetter): string {
  const [, year, month, day] = DAY.exec(firstLetter ?? '') ?? [];
  return year === undefined ? failedAt : `${year}-${month ?? ''}-${day ?? ''}`;
}
