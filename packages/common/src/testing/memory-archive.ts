import type { ArchiveReader } from '../aws/observe/archive-reader';
import type { Document } from '../core/condition';

/**
 * An ArchiveReader over entries in memory, in pages of two, as nobody may count on a whole answer at once. `requests`
 * counts the pages that were read.
 */
export function memoryArchive(entries: Iterable<Document>): ArchiveReader & { requests: number } {
  const archive = {
    requests: 0,
    page: async ({
      of,
      since,
      until,
      oldestFirst = false,
      attributes,
      limit,
      after,
    }: Parameters<ArchiveReader['page']>[0]) => {
      await Promise.resolve();
      archive.requests += 1;
      const [partition, sort] =
        'code' in of ? (['error_code', 'failed_at'] as const) : (['topic_name', 'failed_at_message_id'] as const);
      const wanted = 'code' in of ? of.code : of.topic;
      const sortOf = (entry: Document): string => (typeof entry[sort] === 'string' ? entry[sort] : '');
      const found = [...entries]
        .filter(
          (entry) =>
            entry[partition] === wanted && sortOf(entry) >= since && (until === undefined || sortOf(entry) <= until),
        )
        .sort((a, b) => (sortOf(a) < sortOf(b) === oldestFirst ? -1 : 1));
      const from = typeof after?.['at'] === 'number' ? after['at'] : 0;
      const to = from + Math.min(limit ?? 2, 2);
      const pick = (entry: Document): Document =>
        attributes === undefined
          ? entry
          : Object.fromEntries(Object.entries(entry).filter(([name]) => attributes.includes(name)));
      return { entries: found.slice(from, to).map(pick), next: to < found.length ? { at: to } : undefined };
    },
  };
  return archive;
}
