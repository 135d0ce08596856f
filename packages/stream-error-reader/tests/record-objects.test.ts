import { describe, expect, it } from '@jest/globals';
import type { TopicName } from '@lean-ops/common/core';
import { interruption, KilledError } from '@lean-ops/common/testing';
import { CONFIG, DATA_FILE, errorLine, filesLine, frameOf, headerOf, KEY, rowTextOf, world } from './world';

const device = { topic: 'device.status' as TopicName, sourceMessageId: 'source-2' };
const failedStatus = { errorCode: 'Lambda.ProcessingFailedStatus', attemptEndingTimestamp: 1_795_428_541_000 };
const MIXED = [
  errorLine(frameOf()),
  errorLine(rowTextOf(headerOf(device), '{"a":1}'), { errorCode: 'Iceberg.InvalidRecord' }),
  errorLine(frameOf({ sourceMessageId: 'source-3' })),
  errorLine('garbage', failedStatus),
  filesLine([DATA_FILE, `${DATA_FILE}2.parquet`]),
  'no JSON',
].join('\n');

describe('recordObject', () => {
  it('counts an object by topic and error code, and says when', async () => {
    const w = world({ [KEY]: MIXED });
    await expect(w.record()).resolves.toEqual({ outcome: 'RECORDED', entries: 5, records: 4, unreadable: 1 });
    const found = w
      .entries()
      .map(({ topic_name, error_code, kind, records }) => [topic_name, error_code, kind, records]);
    expect(found).toEqual([
      ['telemetry.climate', 'Lambda.InvokeAccessDenied', 'records', 2],
      ['device.status', 'Iceberg.InvalidRecord', 'records', 1],
      ['_unknown', 'Lambda.ProcessingFailedStatus', 'records', 1],
      ['_unknown', 'Iceberg.CommitFailed', 'data_files', 2],
      ['_unknown', 'UNREADABLE_ERROR_OBJECT', 'unreadable', 1],
    ]);
    expect(w.entries()[0]).toEqual({
      topic_name: 'telemetry.climate',
      failed_at_message_id: expect.stringMatching(
        /^2026-11-23T10:09:00\.000Z#firehose-[0-9a-f]{16}-Lambda\.InvokeAccessDenied$/,
      ),
      failed_at: '2026-11-23T10:09:00.000Z',
      error_code: 'Lambda.InvokeAccessDenied',
      error_message: 'User is not authorized to perform: lambda:InvokeFunction',
      s3_key: KEY,
      origin: 'firehose',
      kind: 'records',
      records: 2,
      body_bytes: 2 * frameOf().length,
      receive_count: 4,
      source_message_ids: ['source-1', 'source-3'],
      archived_at: '2026-11-23T10:00:02.000Z',
    });
    expect(w.metrics.counts).toMatchObject({ RecordedRecords: 4, RecordedFiles: 2, Unreadable: 1 });
    expect(w.log.lines).toHaveLength(1);
    expect(w.log.lines[0]).toMatchObject({ level: 'warn', fields: { s3_key: KEY, parts: 6, topics: 3 } });
    expect(JSON.stringify(w.log.lines)).not.toContain('garbage');
  });

  it("names every code of Firehose's that the index has entries of, and none of our own", async () => {
    const w = world({ [KEY]: MIXED });
    await w.record();
    const codes = w
      .state()
      .map(([, item]) => item)
      .filter(({ topic_name: topic }) => topic === '_error_codes')
      .map(({ failed_at_message_id: code }) => code);
    expect(codes).toEqual([
      'Iceberg.CommitFailed',
      'Iceberg.InvalidRecord',
      'Lambda.InvokeAccessDenied',
      'Lambda.ProcessingFailedStatus',
    ]);
  });

  it('is the same for a second delivery, and for the sweep after it', async () => {
    const w = world({ [KEY]: MIXED });
    await w.record();
    const before = w.state();
    w.clock.pass(1_000);
    await expect(w.record()).resolves.toEqual({ outcome: 'KNOWN' });
    await expect(w.sweep()).resolves.toMatchObject({ objects: 1, known: 1, recorded: 0, left: 0 });
    expect(w.state()).toEqual(before);
  });

  it('reads an object again that was written over', async () => {
    const w = world({ [KEY]: errorLine(frameOf()) });
    await w.record();
    w.bytes.objects.set(`s3://archive/${KEY}`, Buffer.from(MIXED));
    await expect(w.record(KEY, 'another etag')).resolves.toMatchObject({ outcome: 'RECORDED' });
    expect(w.entries()).toHaveLength(5);
  });

  it('does not take a mark away, whatever made it read again', async () => {
    const w = world({ [KEY]: MIXED });
    await w.resend({ s3_key: KEY });
    const before = w.entries();
    await w.record(KEY, 'another etag');
    expect(w.entries()).toEqual(before);
  });

  it.each(['before', 'after'] as const)(
    'killed %s any call and run again, ends as if nothing had been',
    async (moment) => {
      const whole = world({ [KEY]: MIXED });
      await whole.record();
      // The calls are: read the marker, read the object, write five entries, write the marker.
      for (let at = 1; at <= 8; at++) {
        const w = world({ [KEY]: MIXED });
        await expect(w.record(KEY, undefined, w.through(interruption(at, moment)))).rejects.toThrow(KilledError);
        // The event is lost for good, and the sweep finds the object.
        await w.sweep();
        expect({ at, state: w.state() }).toEqual({ at, state: whole.state() });
      }
    },
  );

  it('lets no poisoned topic become a key', async () => {
    const row = rowTextOf(headerOf({ topic: '../../etc#x' as TopicName }), '{}');
    const w = world({ [KEY]: errorLine(row) });
    await w.record();
    expect(w.entries().map((entry) => entry.topic_name)).toEqual(['_unknown']);
  });

  it('takes the time from the name where the object says none', async () => {
    const w = world({ [KEY]: 'garbage', 'firehose-errors/by-hand': 'garbage' });
    await w.sweep();
    expect(w.entries().map((entry) => entry.failed_at)).toEqual([
      '2026-11-23T10:09:00.000Z',
      // The time at which S3 took the object.
      '2026-11-23T10:09:00.000Z',
    ]);
  });

  it('puts on record that an object is too large to be read', async () => {
    const w = world({ [KEY]: MIXED });
    await w.record(KEY, undefined, undefined, { ...CONFIG, maxObjectBytes: 10 });
    expect(w.entries()).toMatchObject([{ kind: 'unreadable', records: 1, body_bytes: MIXED.length }]);
  });

  it('keeps at most a hundred ids, and no long one', async () => {
    const lines = Array.from({ length: 150 }, (_, n) =>
      errorLine(frameOf({ sourceMessageId: `${n}`.padEnd(1_000, 'x') })),
    );
    const w = world({ [KEY]: lines.join('\n') });
    await w.record();
    const [entry] = w.entries();
    expect(entry?.records).toBe(150);
    expect(entry?.source_message_ids).toHaveLength(100);
    expect(JSON.stringify(entry).length).toBeLessThan(20_000);
  });

  it('says that an object is gone', async () => {
    const w = world();
    await expect(w.record()).resolves.toEqual({ outcome: 'GONE' });
    expect(w.log.lines).toMatchObject([{ level: 'error' }]);
  });
});

describe('sweep', () => {
  it('goes on past an object that S3 does not give, and fails at the end', async () => {
    const w = world({ 'firehose-errors/a': 'x', 'firehose-errors/b': 'y', 'firehose-errors/': '' });
    const bytes = {
      get: (bucket: string, key: string, max: number) =>
        key.endsWith('a') ? Promise.reject(new Error('AccessDenied')) : w.bytes.get(bucket, key, max),
    };
    await expect(w.sweep({ ...w, bytes })).rejects.toThrow('1 of 2 error objects were not put on record: AccessDenied');
    expect(w.entries()).toHaveLength(1);
  });

  it('leaves the rest to the next one when its time is over', async () => {
    const w = world({ 'firehose-errors/a': 'x', 'firehose-errors/b': 'y' });
    w.remaining.ms = 59_000;
    await expect(w.sweep()).resolves.toMatchObject({ objects: 2, left: 2, recorded: 0 });
    w.remaining.ms = 600_000;
    await expect(w.sweep()).resolves.toMatchObject({ objects: 2, left: 0, recorded: 2 });
  });
});
