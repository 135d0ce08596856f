import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { TopicName } from '@lean-ops/common/core';
import { interruption, recordingStream } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { CONFIG, DATA_FILE, errorLine, filesLine, frameOf, headerOf, KEY, rowTextOf, world } from './world';

const PARQUET = readFileSync(path.join(__dirname, 'fixtures/raw-zstd.parquet'));
const OTHER = KEY.replace('10-09-00', '11-00-00');
const device = { topic: 'device.status' as TopicName, messageId: 'm-2' };
const texts = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString());

/** The entry without its times: a retry marks it later, and all else is the same. */
const timeless = (w: ReturnType<typeof world>) =>
  w.entries().map((entry) => ({ ...entry, resent_at: !!entry.resent_at, resend_ended_at: !!entry.resend_ended_at }));

describe('resend of an object', () => {
  it('sends frames as they were and rows as the frames they were, then marks the entries', async () => {
    const w = world({ [KEY]: [errorLine(frameOf()), errorLine(rowTextOf(headerOf(device), '{"a":1.10}'))].join('\n') });
    await expect(w.resend({ s3_key: KEY })).resolves.toEqual({
      action: 'resend',
      dry_run: false,
      objects: 1,
      objects_left: 0,
      records: 2,
      resent: 2,
      already_resent: 0,
      refused_records: 0,
      left: 0,
      refused: [],
      left_because: [],
    });
    expect(texts(w.stream.taken)).toEqual(texts([frameOf(), frameOf(device, '{"a":1.10}')]));
    expect(w.entries()).toMatchObject([
      { resent_at: '2026-11-23T10:00:02.000Z', resent_records: 1, resend_left: 0 },
      { resent_at: '2026-11-23T10:00:02.000Z', resent_records: 1, resend_left: 0 },
    ]);
    await expect(w.resend({ s3_key: KEY })).resolves.toMatchObject({ records: 0, already_resent: 2 });
    expect(w.stream.taken).toHaveLength(2);
  });

  it('sends one entry of it alone, and none that was discarded', async () => {
    const w = world({ [KEY]: [errorLine(frameOf()), errorLine(frameOf(device))].join('\n') });
    await w.record();
    const [one, other] = w.entries();
    const entry = { topic_name: one?.topic_name ?? '', entry: one?.failed_at_message_id ?? '' };
    await expect(w.resend({ ...entry, dry_run: true })).resolves.toMatchObject({ records: 1, resent: 0, left: 1 });
    await expect(w.resend(entry)).resolves.toMatchObject({ records: 1, resent: 1 });
    expect(w.entries().map(({ resent_at: at }) => at !== undefined)).toEqual([true, false]);

    const key = { topic_name: other?.topic_name ?? '', failed_at_message_id: other?.failed_at_message_id ?? '' };
    await w.documents.update('index', key, { set: { discarded_at: '2026-11-23T11:00:00.000Z' } });
    await expect(w.resend({ s3_key: KEY })).resolves.toMatchObject({ resent: 0 });
    await expect(w.resend({ topic_name: key.topic_name, since: '2026-11-01' })).resolves.toMatchObject({ objects: 0 });
    expect(w.stream.taken).toHaveLength(1);
  });

  it('goes on with an entry where the time was over, until nothing is left, and does not send what was sent', async () => {
    const lines = Array.from({ length: 9_000 }, (_, n) =>
      n % 1_000 === 7 ? errorLine('garbage') : errorLine(frameOf({ messageId: `m-${n}` })),
    );
    // Refused records are of no topic, and so of another entry.
    const w = world({ [KEY]: lines.join('\n') });
    await w.record();
    const found = w.entries().find(({ topic_name: topic }) => topic === 'telemetry.climate');
    const entry = { topic_name: found?.topic_name ?? '', entry: found?.failed_at_message_id ?? '' };
    let taken = 0;
    const stream = recordingStream((records) => {
      taken += records.length;
      if (taken >= 3_500) w.remaining.ms = 0;
      return records.map(() => ({ ok: true }));
    });
    let from: string | undefined;
    let rounds = 0;
    do {
      rounds += 1;
      [taken, w.remaining.ms] = [0, 600_000];
      const answer = await w.resend({ ...entry, ...(from !== undefined && { from }) }, { ...w, stream });
      expect(w.entries()).toContainEqual(
        expect.objectContaining(
          answer.next === undefined ? { resent_at: expect.any(String) } : { resend_next: answer.next },
        ),
      );
      from = answer.next;
    } while (from !== undefined && rounds < 10);
    expect(rounds).toBe(3);
    expect(new Set(texts(stream.taken)).size).toBe(8_991);
    // A batch that was under way may be sent again.
    expect(stream.taken.length).toBeLessThan(8_991 + 4_000);
    const ended = w.entries().find(({ topic_name: topic }) => topic === 'telemetry.climate');
    expect(ended).toMatchObject({ resent_records: 8_991, resend_left: 0 });
    expect(ended).not.toHaveProperty('resend_next');
  });

  it('goes on within a data file, and remembers what was refused before', async () => {
    const gone = 's3://lake/warehouse/lean_ops_raw/events/gone.parquet';
    const w = world({ [KEY]: filesLine([gone, DATA_FILE]), [DATA_FILE]: PARQUET });
    await w.record();
    const [found] = w.entries();
    const entry = { topic_name: found?.topic_name ?? '', entry: found?.failed_at_message_id ?? '' };
    let calls = 0;
    const failing = recordingStream((records) => {
      calls += 1;
      return records.map((_, index) =>
        calls > 1 || index >= 100 ? { ok: false, code: 'AccessDeniedException', message: 'no right' } : { ok: true },
      );
    });
    const first = await w.resend(entry, { ...w, stream: failing });
    expect(first).toMatchObject({ refused_records: 1, next: '0.1.100-101.1' });
    expect(w.entries()).toMatchObject([{ resend_left: 151, resend_next: first.next }]);
    const second = await w.resend({ ...entry, from: first.next });
    expect(second).toMatchObject({ resent: 150, left: 0, refused_records: 0 });
    const [ended] = w.entries();
    expect(ended).toMatchObject({ resent_records: 250, resend_left: 1, resend_ended_at: expect.any(String) });
    expect(ended).not.toHaveProperty('resent_at');
    expect(ended).not.toHaveProperty('resend_next');
  });

  it('refuses an entry that is none of Firehose', async () => {
    const w = world();
    w.documents.seed('index', { topic_name: 'a.b', failed_at_message_id: 'x', s3_key: 'dlq/a.b/2026/11/23/x.json' });
    for (const entry of ['x', 'y']) {
      await expect(w.resend({ topic_name: 'a.b', entry })).rejects.toThrow('no entry');
    }
  });

  it('reads data files and sends their rows', async () => {
    const w = world({ [KEY]: filesLine([DATA_FILE]), [DATA_FILE]: PARQUET });
    await expect(w.resend({ s3_key: KEY })).resolves.toMatchObject({ records: 250, resent: 250 });
    expect(w.stream.taken).toHaveLength(250);
    expect(w.entries()).toMatchObject([
      { kind: 'data_files', records: 1, resent_records: 250, resent_at: expect.any(String) },
    ]);
  });

  it('leaves the rest of a data file when the time is over, and sends all of it the next time', async () => {
    const w = world({ [KEY]: filesLine([DATA_FILE]), [DATA_FILE]: PARQUET });
    let slices = 0;
    const stop = {
      ...w,
      bytes: {
        get: async (...args: Parameters<typeof w.bytes.get>) => {
          // The time is over as soon as the data file was read.
          if (++slices === 2) w.remaining.ms = 0;
          return w.bytes.get(...args);
        },
      },
    };
    await expect(w.resend({ s3_key: KEY }, stop)).resolves.toMatchObject({ resent: 0, left: 250, refused: [] });
    expect(w.entries()).toMatchObject([{ resend_left: 250, resend_note: expect.stringMatching(/^OUT_OF_TIME/) }]);
    w.remaining.ms = 600_000;
    await expect(w.resend({ s3_key: KEY })).resolves.toMatchObject({ resent: 250, left: 0 });
  });

  it('refuses what no resend can help, with its reason, and leaves that open', async () => {
    const gone = 's3://lake/warehouse/lean_ops_raw/events/gone.parquet';
    const lines = [errorLine('garbage'), filesLine([gone, 's3://secrets/a.parquet']), '?', errorLine(frameOf())];
    const w = world({ [KEY]: lines.join('\n') });
    const summary = await w.resend({ s3_key: KEY });
    expect(summary).toMatchObject({ records: 5, resent: 1, refused_records: 4, left: 0 });
    expect(summary.refused.map(({ code, records }) => [code, records])).toEqual([
      ['INVALID_RECORD', 1],
      ['DATA_FILE_MISSING', 1],
      ['NOT_A_RAW_DATA_FILE', 1],
      ['UNREADABLE_ERROR_OBJECT', 1],
    ]);
    const open = w.entries().filter((entry) => entry.resent_at === undefined);
    expect(open).toHaveLength(3);
    expect(open[0]).toMatchObject({ resend_left: 1, resend_note: expect.stringMatching(/^INVALID_RECORD: /) });
  });

  it('leaves open what the stream did not take, and says how many; the next one sends it', async () => {
    const w = world({ [KEY]: [errorLine(frameOf()), errorLine(frameOf({ messageId: 'm-9' }))].join('\n') });
    const stream = recordingStream((records) =>
      records.map((_, index) =>
        index === 0 ? { ok: true } : { ok: false, code: 'AccessDeniedException', message: 'no right' },
      ),
    );
    await expect(w.resend({ s3_key: KEY }, { ...w, stream })).resolves.toMatchObject({
      resent: 1,
      left: 1,
      left_because: [{ code: 'AccessDeniedException', reason: 'no right', records: 1 }],
    });
    expect(w.entries()).toMatchObject([{ resent_records: 1, resend_left: 1 }]);
    expect(w.entries()[0]?.resent_at).toBeUndefined();
    await expect(w.resend({ s3_key: KEY })).resolves.toMatchObject({ resent: 2, left: 0 });
    expect(w.entries()[0]).toMatchObject({ resent_records: 2, resend_left: 0 });
    expect(w.entries()[0]).not.toHaveProperty('resend_note');
  });

  it('leaves an object open that is too large to be read', async () => {
    const w = world({ [KEY]: errorLine(frameOf()) });
    const small = { ...CONFIG, maxObjectBytes: 10 };
    const summary = await w.resend({ s3_key: KEY }, w, small);
    expect(summary).toMatchObject({ resent: 0, refused: [{ code: 'UNREADABLE_ERROR_OBJECT', records: 1 }] });
    const [entry] = w.entries();
    expect(entry).toMatchObject({ resent_records: 0, resend_left: 1, resend_note: expect.stringContaining('bytes') });
    expect(entry).not.toHaveProperty('resent_at');
  });

  it('changes nothing in a dry run', async () => {
    const w = world({ [KEY]: [errorLine(frameOf()), errorLine('garbage')].join('\n') });
    await expect(w.resend({ s3_key: KEY, dry_run: true })).resolves.toMatchObject({
      records: 2,
      resent: 0,
      left: 1,
      refused_records: 1,
    });
    expect(w.state()).toEqual([]);
    expect(w.stream.calls).toEqual([]);
  });

  it('says that the object is gone', async () => {
    await expect(world().resend({ s3_key: KEY })).resolves.toMatchObject({ refused: [{ code: 'ERROR_OBJECT_GONE' }] });
  });

  it.each(['before', 'after'] as const)(
    'killed %s any call: what is marked was sent, and a retry ends it',
    async (moment) => {
      const lines = [errorLine(frameOf()), errorLine(rowTextOf(headerOf(device), '{}')), errorLine('garbage')].join(
        '\n',
      );
      const undisturbed = world({ [KEY]: lines });
      const counter = interruption(Infinity, moment);
      await undisturbed.resend({ s3_key: KEY }, undisturbed.through(counter));
      expect(counter.calls()).toBeGreaterThan(8);
      for (let at = 1; at <= counter.calls(); at++) {
        const w = world({ [KEY]: lines });
        await w.resend({ s3_key: KEY }, w.through(interruption(at, moment))).catch(() => undefined);
        if (w.entries().some((entry) => entry.resent_at !== undefined)) expect(w.stream.taken).toHaveLength(2);
        await w.resend({ s3_key: KEY });
        expect({ at, entries: timeless(w) }).toEqual({ at, entries: timeless(undisturbed) });
        expect(new Set(texts(w.stream.taken)).size).toBe(2);
      }
    },
  );
});

describe('resend of a topic', () => {
  const objects = {
    [KEY]: [errorLine(frameOf()), errorLine(frameOf(device))].join('\n'),
    [OTHER]: errorLine(frameOf({ messageId: 'later' }), {
      errorCode: 'Iceberg.InvalidRecord',
      attemptEndingTimestamp: 1_795_431_600_000,
    }),
  };

  it('takes what failed since then, of this topic alone', async () => {
    const w = world(objects);
    await w.sweep();
    await expect(w.resend({ topic_name: 'telemetry.climate', since: '2026-11-23T10:30' })).resolves.toMatchObject({
      objects: 1,
      resent: 1,
    });
    await expect(w.resend({ topic_name: 'telemetry.climate', since: '2026-11-23' })).resolves.toMatchObject({
      objects: 1,
      resent: 1,
    });
    expect(texts(w.stream.taken)).toEqual(texts([frameOf({ messageId: 'later' }), frameOf()]));
    await expect(w.resend({ topic_name: 'telemetry.climate', since: '2026-11-23' })).resolves.toMatchObject({
      objects: 0,
    });
    expect(w.entries().filter((entry) => entry.resent_at === undefined)).toHaveLength(1);
  });

  it('can be of one error code', async () => {
    const w = world(objects);
    await w.sweep();
    const request = { topic_name: 'telemetry.climate', since: '2026-11-23', error_code: 'Iceberg.InvalidRecord' };
    await expect(w.resend(request)).resolves.toMatchObject({ objects: 1, resent: 1 });
    expect(texts(w.stream.taken)).toEqual(texts([frameOf({ messageId: 'later' })]));
  });

  it('passes over dead letters, which are none of its own', async () => {
    const w = world();
    w.documents.seed('index', { topic_name: 'a', failed_at_message_id: '2026-11-23T10#x', s3_key: 'dlq/a/x.json' });
    await expect(w.resend({ topic_name: 'a', since: '2026-11-23' })).resolves.toMatchObject({ objects: 0 });
  });

  it('says what it did not come to', async () => {
    const w = world(objects);
    await w.sweep();
    w.remaining.ms = 0;
    await expect(w.resend({ topic_name: 'telemetry.climate', since: '2026-11-23' })).resolves.toMatchObject({
      objects: 0,
      objects_left: 2,
    });
  });
});

describe('whatever an object holds', () => {
  it('every record is sent, refused or left', async () => {
    const line = fc.oneof(
      fc.integer({ min: 0, max: 99 }).map((n) => errorLine(frameOf({ messageId: `m-${n}` }))),
      fc.uint8Array({ maxLength: 20 }).map((raw) => errorLine(raw)),
      fc.constantFrom('garbage', filesLine(['s3://other/x.parquet'])),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.nat(), async (lines, seed) => {
        const w = world({ [KEY]: lines.join('\n') });
        const stream = recordingStream((records, call) =>
          records.map((_, index) =>
            (index + call + seed) % 3 === 0 ? { ok: false, code: 'AccessDenied', message: '' } : { ok: true },
          ),
        );
        const { records, resent, left, refused_records: refused } = await w.resend({ s3_key: KEY }, { ...w, stream });
        expect({ records, sum: resent + left + refused }).toEqual({ records: lines.length, sum: lines.length });
        expect(stream.taken).toHaveLength(resent);
        const open = w.entries().reduce((sum, entry) => sum + (entry.resend_left ?? 0), 0);
        expect(open).toBe(left + refused);
      }),
      { numRuns: 50 },
    );
  });
});
