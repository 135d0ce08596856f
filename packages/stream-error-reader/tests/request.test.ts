import { describe, expect, it } from '@jest/globals';
import { decodeRequest } from '../src/request';
import { KEY, ERROR_PREFIX } from './world';

const event = (key: unknown, bucket = 'archive') => ({
  source: 'aws.s3',
  'detail-type': 'Object Created',
  detail: { bucket: { name: bucket }, object: { key, etag: '"e"', size: 1 } },
});

describe('decodeRequest', () => {
  it('reads an event of the error prefix', () => {
    expect(decodeRequest(event(KEY), ERROR_PREFIX)).toEqual({ action: 'record', key: KEY, etag: 'e' });
  });

  it.each([
    ['another bucket', event(KEY, 'lake')],
    ['another prefix', event('dlq/a/1.json')],
    ['a prefix that only looks alike', event('firehose-errors-old/a')],
    ['the placeholder of a folder', event('firehose-errors/')],
    ['no key', event(undefined)],
    ['no detail', { detail: null }],
  ])('has nothing to do with %s', (_, given) => {
    expect(decodeRequest(given, ERROR_PREFIX)).toMatchObject({ action: 'ignore' });
  });

  it('reads what a person may ask for', () => {
    expect(decodeRequest({ action: 'sweep' }, ERROR_PREFIX)).toEqual({ action: 'sweep' });
    expect(decodeRequest({ action: 'resend', s3_key: KEY, dry_run: true }, ERROR_PREFIX)).toEqual({
      action: 'resend',
      what: { key: KEY },
      errorCode: undefined,
      dryRun: true,
    });
    expect(
      decodeRequest(
        { action: 'resend', topic_name: '_unknown', since: '2026-11-23T10:00:00Z', error_code: 'X' },
        ERROR_PREFIX,
      ),
    ).toMatchObject({
      from: undefined,
      what: { topic: '_unknown', since: '2026-11-23T10:00:00' },
      errorCode: 'X',
      dryRun: false,
    });
    expect(decodeRequest({ action: 'resend', topic_name: 'a.b', entry: '2026-11-23#x' }, ERROR_PREFIX)).toMatchObject({
      what: { topic: 'a.b', entry: '2026-11-23#x' },
    });
    expect(
      decodeRequest({ action: 'resend', topic_name: 'a.b', entry: 'x', from: '12.1.7-40.3' }, ERROR_PREFIX),
    ).toMatchObject({ from: { item: 12, file: 1, row: 7, seen: 40, refused: 3 } });
  });

  it.each([
    [undefined, 'must be an object'],
    [{ action: 'delete' }, '"sweep" or "resend"'],
    [{ action: 'resend' }, '"s3_key", or "topic_name" and "since"'],
    [{ action: 'resend', s3_key: 'dlq/a/1.json' }, 'under firehose-errors/'],
    [{ action: 'resend', s3_key: KEY, topic_name: 'a' }, 'leave either out'],
    [{ action: 'resend', topic_name: '../x', since: '2026-11-23' }, 'is not a topic name'],
    [{ action: 'resend', topic_name: 'a' }, '"since" must be a date'],
    [{ action: 'resend', topic_name: 'a', entry: 7 }, '"entry" must be the failed_at_message_id'],
    [{ action: 'resend', topic_name: 'a', entry: 'x', since: '2026' }, '"since" cannot stand beside it'],
    [{ action: 'resend', s3_key: KEY, entry: 'x' }, 'leave either out'],
    [{ action: 'resend', topic_name: 'a', since: 'yesterday' }, '"since" must be a date'],
    [{ action: 'resend', s3_key: KEY, from: '1.0.0-1.0' }, '"from" goes with "entry"'],
    [{ action: 'resend', topic_name: 'a', entry: 'x', from: 7 }, '"from" goes with "entry"'],
    [{ action: 'resend', s3_key: KEY, dry_run: 'yes' }, '"dry_run" must be true or false'],
    [{ action: 'resend', s3_key: KEY, error_code: 7 }, '"error_code" must be a code'],
  ])('refuses %j with a sentence that says how', (given, message) => {
    expect(() => decodeRequest(given, ERROR_PREFIX)).toThrow(message);
  });
});
