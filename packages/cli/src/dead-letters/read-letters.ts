import type { ArchiveReader, ArchiveSelection } from '@lean-ops/common/aws';
import { DEAD_LETTER_CODES, isOwnCode, mapLimit, RECORDED_CODES, type Document } from '@lean-ops/common/core';
import { COUNTED_ATTRIBUTES, deadLetterOf, type DeadLetter } from './dead-letter';
import { countByReason, type ReasonCount } from './count-by-reason';

/** Which dead letters. */
export interface LetterFilter {
  /** ISO 8601, or the beginning of it. */
  readonly since: string;
  readonly topic?: string | undefined;
  readonly code?: string | undefined;
}

export interface CountedLetters {
  readonly reasons: readonly ReasonCount[];
  /** True when the archive has more than were read: then each count means "more than". */
  readonly more: boolean;
}

/** How much of the archive a count reads, as an archive may have millions of entries. */
export interface CountLimits {
  /** The most requests for one code or topic. */
  readonly maxPages?: number;
  /** Asked before each further request for a code or topic; the first one is always made. */
  readonly goOn?: () => boolean;
}

/** Requests for one code or topic, each of 1 MB: about 100,000 dead letters. */
const MAX_PAGES = 60;
/** Codes that are read at the same time: all of the pipeline's own. */
const CONCURRENCY = 10;

/**
 * Counts the dead letters by reason, with a bounded number of requests. It reads the newest first, so those that are left
 * out are the oldest.
 */
export async function countLetters(
  reader: ArchiveReader,
  filter: LetterFilter,
  { maxPages = MAX_PAGES, goOn = () => true }: CountLimits = {},
): Promise<CountedLetters> {
  const pages = await ofEachReason(reader, filter, async (of) => {
    const entries: Document[] = [];
    let after: Document | undefined;
    for (let page = 0; page < maxPages && (page === 0 || goOn()); page += 1) {
      const read = await reader.page({
        of,
        since: filter.since,
        attributes: COUNTED_ATTRIBUTES,
        ...(after && { after }),
      });
      entries.push(...read.entries);
      after = read.next;
      if (after === undefined) break;
    }
    return { letters: entries.map(deadLetterOf), more: after !== undefined };
  });
  const wanted = pages.flatMap(({ letters }) => letters).filter((letter) => matches(letter, filter));
  return { reasons: countByReason(wanted), more: pages.some(({ more }) => more) };
}

/** The newest dead letters, the newest first. */
export async function newestLetters(reader: ArchiveReader, filter: LetterFilter, limit: number): Promise<DeadLetter[]> {
  if (limit === 0) return [];
  const found = await ofEachReason(reader, filter, async (of) => {
    const letters: DeadLetter[] = [];
    let after: Document | undefined;
    for (let page = 0; page < MAX_PAGES && letters.length < limit; page += 1) {
      const read = await reader.page({ of, since: filter.since, limit: Math.max(limit, 25), ...(after && { after }) });
      letters.push(...read.entries.map(deadLetterOf).filter((letter) => matches(letter, filter)));
      after = read.next;
      if (after === undefined) break;
    }
    return letters;
  });
  return found
    .flat()
    .sort((a, b) => (a.failedAt < b.failedAt ? 1 : -1))
    .slice(0, limit);
}

/**
 * Reads the topic or the code that is wanted, else each code that the archive can have: the pipeline's own, and at the same
 * time those of Firehose, which have to be looked up first.
 */
export async function ofEachReason<R>(
  reader: ArchiveReader,
  { topic, code }: Pick<LetterFilter, 'topic' | 'code'>,
  read: (of: ArchiveSelection) => Promise<R>,
): Promise<R[]> {
  if (topic !== undefined) return [await read({ topic })];
  if (code !== undefined) return [await read({ code })];
  const readCodes = (codes: readonly string[]): Promise<R[]> =>
    mapLimit(codes, CONCURRENCY, (one) => read({ code: one }));
  const parts = await Promise.all([
    readCodes(Object.keys(DEAD_LETTER_CODES)),
    recordedCodes(reader).then((codes) => readCodes(codes.filter((one) => !isOwnCode(one)))),
  ]);
  return parts.flat();
}

/** The codes that stream-error-reader has put on record, those of Firehose above all. */
async function recordedCodes(reader: ArchiveReader): Promise<string[]> {
  const codes: string[] = [];
  let after: Document | undefined;
  do {
    const read = await reader.page({
      of: { topic: RECORDED_CODES },
      since: '!',
      attributes: ['failed_at_message_id'],
      ...(after && { after }),
    });
    for (const { failed_at_message_id: code } of read.entries) if (typeof code === 'string') codes.push(code);
    after = read.next;
  } while (after !== undefined);
  return codes;
}

function matches(letter: DeadLetter, { topic, code }: LetterFilter): boolean {
  return (topic === undefined || letter.topic === topic) && (code === undefined || letter.code === code);
}
