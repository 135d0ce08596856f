import type { ArchiveReader, ArchiveSelection } from '@lean-ops/common/aws';
import type { Document } from '@lean-ops/common/core';
import { deadLetterOf, type DeadLetter } from './dead-letter';
import { ofEachReason } from './read-letters';

/** Which dead letters a command is about. */
export interface LetterSelection {
  readonly topic?: string | undefined;
  readonly code?: string | undefined;
  /** ISO 8601, or the beginning of it: those that failed then or later. */
  readonly since: string;
  /** The same: those that failed before; undefined without a bound. */
  readonly until?: string | undefined;
  /** Message ids, archive keys or sort keys of the index: only these. */
  readonly ids?: readonly string[] | undefined;
}

export interface SelectedLetters {
  /** The oldest first. */
  readonly letters: readonly DeadLetter[];
  /** True when the archive has more than were read. */
  readonly more: boolean;
  /** The ids that mean none of the letters. */
  readonly unmatched: readonly string[];
}

/** Requests for one code or topic, each of 1 MB: about 100,000 dead letters. */
const MAX_PAGES = 60;
/** A key of the archive names the topic and the day. */
const ARCHIVE_KEY = /^dlq\/([^/]+)\/(\d{4})\/(\d\d)\/(\d\d)\/[^/]+\.json$/;
const DAY_MS = 86_400_000;

/** Reads the entries of the index that are meant, all that is known of each, with a bounded number of requests. */
export async function selectLetters(reader: ArchiveReader, selection: LetterSelection): Promise<SelectedLetters> {
  const { ids } = selection;
  const places = ids?.map(placeOf);
  const parts = places?.every((place) => place !== undefined)
    ? await Promise.all(places.map((place) => readAll(reader, place.of, place)))
    : await ofEachReason(reader, selection, (of) => readAll(reader, of, selection));
  const letters = parts.flatMap((part) => part.letters).filter((letter) => isSelected(letter, selection));
  // A key that was given twice is one letter.
  const once = new Map(letters.map((letter) => [`${letter.topic} ${letter.entry}`, letter]));
  return {
    letters: [...once.values()].sort((a, b) => compare(a.failedAt, b.failedAt) || compare(a.entry, b.entry)),
    more: parts.some(({ more }) => more),
    unmatched: (ids ?? []).filter((id) => !letters.some((letter) => isNamed(letter, id))),
  };
}

async function readAll(
  reader: ArchiveReader,
  of: ArchiveSelection,
  { since, until }: Pick<LetterSelection, 'since' | 'until'>,
): Promise<Omit<SelectedLetters, 'unmatched'>> {
  const letters: DeadLetter[] = [];
  let after: Document | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const read = await reader.page({
      of,
      since,
      oldestFirst: true,
      ...(until !== undefined && { until }),
      ...(after && { after }),
    });
    letters.push(...read.entries.map(deadLetterOf));
    after = read.next;
    if (after === undefined) break;
  }
  return { letters, more: after !== undefined };
}

/** Where the letter with an archive key is in the index; undefined for an id of another form, which may be anywhere. */
function placeOf(id: string): { of: ArchiveSelection; since: string; until: string } | undefined {
  const [, topic, year, month, day] = ARCHIVE_KEY.exec(id) ?? [];
  if (topic === undefined) return undefined;
  const since = `${year ?? ''}-${month ?? ''}-${day ?? ''}`;
  const start = Date.parse(since);
  if (Number.isNaN(start)) return undefined;
  return { of: { topic }, since, until: new Date(start + DAY_MS).toISOString().slice(0, 10) };
}

function isSelected(letter: DeadLetter, { topic, code, since, until, ids }: LetterSelection): boolean {
  if (topic !== undefined && letter.topic !== topic) return false;
  if (code !== undefined && letter.code !== code) return false;
  if (letter.failedAt < since || (until !== undefined && letter.failedAt >= until)) return false;
  return ids === undefined || ids.some((id) => isNamed(letter, id));
}

/** Whether an id means a letter: the message's, also that of its first time, the archive key, or the entry's sort key. */
export function isNamed({ messageId, originalMessageId, s3Key, entry }: DeadLetter, id: string): boolean {
  return [messageId, originalMessageId, s3Key, entry].includes(id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
