import { describe, expect, it } from '@jest/globals';
import type { Document } from '@lean-ops/common/core';
import { RECORDED_CODES } from '@lean-ops/common/core';
import { memoryArchive } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { countByReason, totalOf } from '../../src/dead-letters/count-by-reason';
import { deadLetterOf } from '../../src/dead-letters/dead-letter';
import { countLetters, newestLetters } from '../../src/dead-letters/read-letters';

let made = 0;
/** An entry of the index; a test names only what it varies. */
function entry(changes: Readonly<Record<string, string | number>> = {}): Document {
  made += 1;
  const failedAt = changes['failed_at'] ?? '2026-11-23T10:00:00.000Z';
  const id = `source-${made}`;
  return {
    topic_name: '_unknown',
    failed_at_message_id: `${failedAt}#${id}`,
    failed_at: failedAt,
    error_code: 'NO_TOPIC',
    error_message: 'neither topic_name nor the attribute',
    s3_key: `dlq/_unknown/2026/11/23/${id}.json`,
    source_message_id: id,
    ...changes,
  };
}

const firehose = (changes: Readonly<Record<string, string | number>> = {}): Document =>
  entry({
    topic_name: 'telemetry.climate',
    error_code: 'Iceberg.CommitFailed',
    origin: 'firehose',
    kind: 'records',
    records: 500,
    ...changes,
  });
const recorded: Document = { topic_name: RECORDED_CODES, failed_at_message_id: 'Iceberg.CommitFailed' };
const EVER = { since: '2026' };

describe('countLetters', () => {
  it('counts by reason and topic, the most first, and finds codes of Firehose that are on record', async () => {
    const archive = memoryArchive([
      entry(),
      entry({ failed_at: '2026-11-23T09:00:00.000Z' }),
      entry({ topic_name: 'a.b', error_code: 'TOO_LARGE' }),
      firehose(),
      firehose({ topic_name: 'device.status', records: 700 }),
      recorded,
    ]);
    const { reasons, more } = await countLetters(archive, EVER);
    expect(more).toBe(false);
    expect(reasons.map(({ code, count, topics }) => [code, count, topics.map(({ topic }) => topic)])).toEqual([
      ['Iceberg.CommitFailed', 1200, ['device.status', 'telemetry.climate']],
      ['NO_TOPIC', 2, ['_unknown']],
      ['TOO_LARGE', 1, ['a.b']],
    ]);
    expect(reasons[1]).toMatchObject({ first: '2026-11-23T09:00:00.000Z', last: '2026-11-23T10:00:00.000Z' });
  });

  it('leaves out what failed before, other topics and other codes', async () => {
    const archive = memoryArchive([
      entry({ topic_name: 'a.b', error_code: 'TOO_LARGE' }),
      entry({ topic_name: 'a.b', error_code: 'UNEXPECTED' }),
      entry({ topic_name: 'a.c', error_code: 'TOO_LARGE' }),
      entry({ topic_name: 'a.b', error_code: 'TOO_LARGE', failed_at: '2026-11-21T10:00:00.000Z' }),
    ]);
    const since = '2026-11-22';
    const total = async (filter: object): Promise<number> =>
      totalOf((await countLetters(archive, { since, ...filter })).reasons);
    await expect(total({})).resolves.toBe(3);
    await expect(total({ topic: 'a.b' })).resolves.toBe(2);
    await expect(total({ code: 'TOO_LARGE' })).resolves.toBe(2);
    await expect(total({ topic: 'a.b', code: 'TOO_LARGE' })).resolves.toBe(1);
  });

  it('counts apart what was sent again, and data files and unreadable parts in units of their own', async () => {
    const archive = memoryArchive([
      firehose({ resent_at: '2026-11-23T11:00:00.000Z' }),
      firehose({ kind: 'data_files', records: 3, topic_name: '_unknown' }),
      recorded,
    ]);
    const { reasons } = await countLetters(archive, EVER);
    expect(reasons.map(({ unit, count, resent }) => ({ unit, count, resent }))).toEqual([
      { unit: 'data file', count: 3, resent: 0 },
      { unit: 'message', count: 0, resent: 500 },
    ]);
  });

  it('stops at the bound, says so, and has the newest then', async () => {
    const archive = memoryArchive(
      Array.from({ length: 50 }, (_, index) => entry({ failed_at: `2026-11-23T10:00:${10 + index}.000Z` })),
    );
    const { reasons, more } = await countLetters(archive, { ...EVER, code: 'NO_TOPIC' }, { maxPages: 3 });
    expect(archive.requests).toBe(3);
    expect(more).toBe(true);
    expect(reasons[0]).toMatchObject({ count: 6, last: '2026-11-23T10:00:59.000Z' });
  });
});

describe('countLetters within a time', () => {
  it('reads a page of each reason whatever the time, and then goes on only as long as it may', async () => {
    const many = (code: string) => Array.from({ length: 50 }, () => entry({ error_code: code }));
    const archive = memoryArchive([
      ...many('NO_TOPIC'),
      ...many('TOO_LARGE'),
      ...many('Iceberg.CommitFailed'),
      recorded,
    ]);
    let allowed = 4;
    const { reasons, more } = await countLetters(archive, EVER, { goOn: () => (allowed -= 1) >= 0 });
    expect(more).toBe(true);
    // Pages of two: one of each reason, and the four that were allowed.
    expect(totalOf(reasons)).toBe(2 * (3 + 4));
    expect(reasons.map(({ code }) => code).sort()).toEqual(['Iceberg.CommitFailed', 'NO_TOPIC', 'TOO_LARGE']);
  });
});

describe('newestLetters', () => {
  it('gives the newest of all reasons, the newest first, with all that is known of them', async () => {
    const archive = memoryArchive([
      entry({ failed_at: '2026-11-23T10:00:01.000Z' }),
      entry({ failed_at: '2026-11-23T10:00:03.000Z', error_code: 'TOO_LARGE', topic_name: 'a.b' }),
      entry({ failed_at: '2026-11-23T10:00:02.000Z' }),
      entry({ failed_at: '2026-11-23T10:00:00.000Z' }),
    ]);
    const newest = await newestLetters(archive, EVER, 3);
    expect(newest.map(({ failedAt }) => failedAt.slice(17, 19))).toEqual(['03', '02', '01']);
    expect(newest[0]).toMatchObject({ topic: 'a.b', code: 'TOO_LARGE', s3Key: expect.stringContaining('dlq/') });
    await expect(newestLetters(archive, { ...EVER, topic: 'a.b', code: 'NO_TOPIC' }, 3)).resolves.toEqual([]);
    await expect(newestLetters(archive, EVER, 0)).resolves.toEqual([]);
  });
});

describe('countByReason', () => {
  it('loses no message and invents none, in whatever order the entries come', () => {
    const letters = fc.array(
      fc.record({
        topic: fc.constantFrom('a', 'b', 'c'),
        code: fc.constantFrom('NO_TOPIC', 'TOO_LARGE', 'Lambda.X'),
        records: fc.integer({ min: 0, max: 1_000 }),
        resent: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(letters, (drawn) => {
        const all = drawn.map(({ topic, code, records, resent }) =>
          deadLetterOf(
            entry({ topic_name: topic, error_code: code, records, ...(resent && { resent_at: '2026-11-24' }) }),
          ),
        );
        const sum = (resent: boolean): number =>
          drawn.filter((one) => one.resent === resent).reduce((total, { records }) => total + records, 0);
        const reasons = countByReason(all);
        expect(totalOf(reasons)).toBe(sum(false));
        expect(reasons.reduce((total, { resent }) => total + resent, 0)).toBe(sum(true));
        for (const { count, topics } of reasons) expect(totalOf(topics)).toBe(count);
        expect(countByReason([...all].reverse())).toEqual(reasons);
      }),
    );
  });
});
