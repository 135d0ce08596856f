import { describe, expect, it } from '@jest/globals';
import type { ArchiveEntry } from '@lean-ops/common/aws';
import {
  fakeClock,
  memoryArchiveIndex,
  memoryIdempotency,
  memoryObjects,
  recordingLog,
  recordingMetrics,
  sqsRecord,
} from '@lean-ops/common/testing';
import fc from 'fast-check';
import { archiveBatch } from '../src/archive-batch';

const SETTINGS = { archiveBucket: 'archive', concurrency: 3, entryDays: 0 };

function collaborators() {
  return {
    objects: memoryObjects(),
    index: memoryArchiveIndex(),
    idempotency: memoryIdempotency(),
    log: recordingLog(),
    metrics: recordingMetrics(),
    clock: fakeClock(),
  };
}

/** A letter as sqs-processor sends it. */
function refused(attributes: Readonly<Record<string, string>> = {}, body = 'no json', messageId = 'dlq-1') {
  return sqsRecord({
    messageId,
    body,
    messageAttributes: {
      error_code: 'NO_TOPIC',
      error_message: 'no topic: the body is not JSON',
      failed_at: '2026-11-22T23:59:59.250Z',
      origin: 'sqs-processor',
      source_message_id: 'source-1',
      source_attributes: '{"message":{}}',
      ...attributes,
    },
  });
}

const archived = (objects: ReturnType<typeof memoryObjects>, key: string) =>
  JSON.parse(objects.objects.get(`s3://archive/${key}`)?.body ?? 'null') as Record<string, unknown> | null;

const failed = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

describe('archiveBatch', () => {
  it('writes a refused message with its reason, and an index entry that points at it', async () => {
    const ports = collaborators();
    await expect(archiveBatch([refused()], SETTINGS, ports)).resolves.toEqual(failed());
    const key = 'dlq/_unknown/2026/11/22/source-1.json';
    expect(archived(ports.objects, key)).toMatchObject({
      v: 1,
      topic_name: '_unknown',
      source_message_id: 'source-1',
      dlq_message_id: 'dlq-1',
      error_code: 'NO_TOPIC',
      error_message: 'no topic: the body is not JSON',
      failed_at: '2026-11-22T23:59:59.250Z',
      origin: 'sqs-processor',
      receive_count: 1,
      sent_at: '2026-11-23T10:00:01.000Z',
      first_received_at: '2026-11-23T10:00:01.250Z',
      body: 'no json',
      body_bytes: 7,
      overflow: null,
      source_attributes: '{"message":{}}',
    });
    expect([...ports.index.entries.values()]).toEqual([
      {
        topic_name: '_unknown',
        failed_at_message_id: '2026-11-22T23:59:59.250Z#source-1',
        failed_at: '2026-11-22T23:59:59.250Z',
        error_code: 'NO_TOPIC',
        error_message: 'no topic: the body is not JSON',
        s3_key: key,
        source_message_id: 'source-1',
        body_bytes: 7,
        receive_count: 1,
        archived_at: '2026-11-23T10:00:02.000Z',
      },
    ]);
  });

  it('takes a message that came by redrive for one received too often, under the topic of its envelope', async () => {
    const ports = collaborators();
    await archiveBatch(
      [sqsRecord({ messageId: 'm-1', attributes: { ApproximateReceiveCount: '6' } })],
      SETTINGS,
      ports,
    );
    expect([...ports.index.entries.values()]).toMatchObject([
      {
        topic_name: 'telemetry.climate',
        error_code: 'MAX_RECEIVES',
        failed_at: '2026-11-23T10:00:01.250Z',
        receive_count: 6,
        s3_key: 'dlq/telemetry.climate/2026/11/23/m-1.json',
      },
    ]);
  });

  it('knows by the queue that a message came by redrive, also where it has all that sqs-processor writes', async () => {
    const ports = collaborators();
    const letter = refused();
    const moved = { ...letter.attributes, DeadLetterQueueSourceArn: 'arn:aws:sqs:eu-central-1:123456789012:ingest' };
    await archiveBatch([{ ...letter, attributes: moved }], SETTINGS, ports);
    expect([...ports.index.entries.values()]).toMatchObject([
      { source_message_id: 'dlq-1', error_code: 'MAX_RECEIVES' },
    ]);
    const [key] = [...ports.objects.objects.keys()];
    expect(archived(ports.objects, key?.replace('s3://archive/', '') ?? '')).toMatchObject({
      origin: 'redrive',
      source_attributes: null,
    });
  });

  it('changes nothing when a message is delivered again, even on another day and with its key forgotten', async () => {
    const ports = collaborators();
    const message = { messageId: 'm-1', body: 'no json' };
    await archiveBatch([sqsRecord(message)], SETTINGS, ports);
    const before = archived(ports.objects, 'dlq/_unknown/2026/11/23/m-1.json');
    ports.clock.pass(86_400_000);
    await archiveBatch([sqsRecord({ ...message, attributes: { ApproximateReceiveCount: '2' } })], SETTINGS, ports);
    ports.idempotency.done.clear();
    await archiveBatch([sqsRecord({ ...message, attributes: { ApproximateReceiveCount: '3' } })], SETTINGS, ports);
    expect(ports.index.entries.size).toBe(1);
    expect(ports.objects.objects.size).toBe(1);
    expect(archived(ports.objects, 'dlq/_unknown/2026/11/23/m-1.json')).toEqual(before);
  });

  it('keeps one copy of a letter that was sent twice after a time-out', async () => {
    const ports = collaborators();
    await archiveBatch([refused({}, 'no json', 'd-1'), refused({}, 'no json', 'd-2')], SETTINGS, ports);
    expect(ports.index.entries.size).toBe(1);
    expect(ports.objects.objects.size).toBe(1);
  });

  it('loses no message to another that claims the same id and time', async () => {
    const ports = collaborators();
    await archiveBatch([refused({}, 'first', 'd-1')], SETTINGS, ports);
    await archiveBatch([refused({}, 'second', 'd-2')], SETTINGS, ports);
    const entries = [...ports.index.entries.values()];
    expect(entries.map(({ s3_key: key }) => archived(ports.objects, key)?.['body'])).toEqual(['first', 'second']);
  });

  describe('a letter that was sent again', () => {
    const origin = {
      v: 1,
      kind: 'replay',
      message_id: 'source-1',
      sent_at: 1_795_000_000_500,
      received_at: 1_795_000_001_000,
      letter: 'dlq/_unknown/2026/11/22/source-1.json',
      attempt: 2,
      operation: '20261123T100000Z-replay-ab12cd',
    };
    const lean_ops_origin = JSON.stringify(origin);
    const link = { first_letter: origin.letter, original_message_id: 'source-1', attempt: 2 };

    it('is linked to its first when sqs-processor refuses it again, and takes the place of neither', async () => {
      const ports = collaborators();
      const source_attributes = JSON.stringify({
        system: {},
        message: { lean_ops_origin: { dataType: 'String', stringValue: lean_ops_origin } },
      });
      await archiveBatch([refused()], SETTINGS, ports);
      await archiveBatch(
        [refused({ source_message_id: 'again', source_attributes }, 'no json', 'd-2')],
        SETTINGS,
        ports,
      );
      expect([...ports.index.entries.values()]).toMatchObject([
        { source_message_id: 'source-1' },
        { source_message_id: 'again', ...link },
      ]);
      expect(archived(ports.objects, 'dlq/_unknown/2026/11/22/source-1.json')).toMatchObject({ lean_ops_origin: null });
      expect(archived(ports.objects, 'dlq/_unknown/2026/11/22/again.json')).toMatchObject({ lean_ops_origin: origin });
    });

    it('is linked when it came by redrive, and when its attributes were put aside', async () => {
      const ports = collaborators();
      const attributes = JSON.stringify({ message: { lean_ops_origin: { stringValue: lean_ops_origin } } });
      await ports.objects.put('archive', 'overflow/o-1', 'x');
      await ports.objects.put('archive', 'overflow/o-1.attributes.json', attributes);
      const overflow = {
        bucket: 'archive',
        key: 'overflow/o-1',
        bytes: 1,
        attributes_key: 'overflow/o-1.attributes.json',
      };
      await archiveBatch(
        [
          sqsRecord({ messageId: 'r-1', messageAttributes: { lean_ops_origin } }),
          refused({ body_overflow: 'true', source_message_id: 'o-1' }, JSON.stringify({ overflow }), 'd-2'),
        ],
        SETTINGS,
        ports,
      );
      expect([...ports.index.entries.values()]).toMatchObject([link, link]);
    });

    it('names what it corrects, and is archived as any other where the attribute is malformed', async () => {
      const ports = collaborators();
      const edit = JSON.stringify({ v: 1, kind: 'edit', message_id: 'edit-1', letter: origin.letter, operation: 'x' });
      await archiveBatch(
        [
          sqsRecord({ messageId: 'e-1', messageAttributes: { lean_ops_origin: edit } }),
          sqsRecord({ messageId: 'e-2', messageAttributes: { lean_ops_origin: '{' } }),
        ],
        SETTINGS,
        ports,
      );
      const [one, other] = [...ports.index.entries.values()];
      expect(one).toMatchObject({ edit_of: origin.letter });
      expect(other).not.toHaveProperty('first_letter');
    });
  });

  it('keeps what people have noted on an entry when its letter comes once more', async () => {
    const ports = collaborators();
    await archiveBatch([refused()], SETTINGS, ports);
    const [[key, entry] = []] = [...ports.index.entries];
    const noted = { ...entry, resent_at: '2026-11-24' } as unknown as ArchiveEntry;
    ports.index.entries.set(key ?? '', noted);
    ports.idempotency.done.clear();
    await archiveBatch([refused()], SETTINGS, ports);
    expect([...ports.index.entries.values()]).toEqual([noted]);
  });

  it('lets an entry expire after the days that are set, counted from the failure', async () => {
    const ports = collaborators();
    await archiveBatch([refused()], { ...SETTINGS, entryDays: 30 }, ports);
    const [entry] = [...ports.index.entries.values()];
    expect(entry?.expires_at).toBe(Date.UTC(2026, 11, 22, 23, 59, 59) / 1000);
  });

  it('writes the object before the entry, so that no entry points at nothing', async () => {
    const ports = {
      ...collaborators(),
      objects: { ...memoryObjects(), put: () => Promise.reject(new Error('S3 is away')) },
    };
    const index = memoryArchiveIndex();
    await expect(archiveBatch([refused()], SETTINGS, { ...ports, index })).resolves.toEqual(failed('dlq-1'));
    expect(index.entries.size).toBe(0);
  });

  it('leaves a message in the queue that S3 or DynamoDB did not take, and only that one', async () => {
    const index = memoryArchiveIndex();
    const throttled = Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' });
    const ports = {
      ...collaborators(),
      index: {
        put: (entry: ArchiveEntry) => (entry.s3_key.includes('bad') ? Promise.reject(throttled) : index.put(entry)),
      },
    };
    const batch = [
      refused({ source_message_id: 'good-1' }, 'x', 'd-1'),
      refused({ source_message_id: 'bad-1' }, 'x', 'd-2'),
      refused({ source_message_id: 'good-2' }, 'x', 'd-3'),
    ];
    await expect(archiveBatch(batch, SETTINGS, ports)).resolves.toEqual(failed('d-2'));
    expect(ports.log.lines.at(0)).toMatchObject({
      level: 'error',
      fields: { message_id: 'd-2', disposition: 'retryable' },
    });
    expect(ports.metrics.counts).toMatchObject({ Received: 3, Archived: 2, ArchiveFailed: 1 });
  });

  it('never gives an empty response, which would acknowledge everything', async () => {
    await expect(archiveBatch([], SETTINGS, collaborators())).resolves.toEqual(failed());
  });

  describe('a body that was put aside', () => {
    const reference = (overrides: Readonly<Record<string, unknown>> = {}) =>
      JSON.stringify({ overflow: { bucket: 'archive', key: 'overflow/source-1', bytes: 1_048_576, ...overrides } });
    const key = 'dlq/_unknown/2026/11/22/source-1.json';

    it('is fetched into the archive record and stays where it is, for a second delivery', async () => {
      const body = 'x'.repeat(1_048_576);
      const objects = memoryObjects({ 's3://archive/overflow/source-1': body });
      const ports = { ...collaborators(), objects };
      await archiveBatch([refused({ body_overflow: 'true' }, reference())], SETTINGS, ports);
      expect(archived(objects, key)).toMatchObject({
        body,
        body_bytes: 1_048_576,
        overflow: { key: 'overflow/source-1' },
      });
      expect(objects.objects.has('s3://archive/overflow/source-1')).toBe(true);
    });

    it('comes with the attributes that were put aside', async () => {
      const attributesKey = 'overflow/source-1.attributes.json';
      const objects = memoryObjects({
        's3://archive/overflow/source-1': 'x',
        [`s3://archive/${attributesKey}`]: '{"a":1}',
      });
      const body = reference({ attributes_key: attributesKey });
      await archiveBatch([refused({ body_overflow: 'true' }, body)], SETTINGS, { ...collaborators(), objects });
      expect(archived(objects, key)).toMatchObject({ source_attributes: '{"a":1}' });
    });

    it('is archived as missing when it is gone: waiting would not bring it back', async () => {
      const ports = collaborators();
      await expect(archiveBatch([refused({ body_overflow: 'true' }, reference())], SETTINGS, ports)).resolves.toEqual(
        failed(),
      );
      expect(archived(ports.objects, key)).toMatchObject({ body: null, body_bytes: 1_048_576 });
      expect(ports.log.lines[0]).toMatchObject({ level: 'error' });
    });

    it('keeps the message in the queue while S3 does not answer', async () => {
      const objects = { ...memoryObjects(), get: () => Promise.reject(new Error('S3 is away')) };
      const batch = [refused({ body_overflow: 'true' }, reference())];
      await expect(archiveBatch(batch, SETTINGS, { ...collaborators(), objects })).resolves.toEqual(failed('dlq-1'));
    });

    it.each([
      ['another bucket', reference({ bucket: 'secrets' })],
      ['another prefix', reference({ key: 'dlq/t/2026/11/23/m.json' })],
      ['a way out of the prefix', reference({ key: 'overflow/../dlq' })],
      ['attributes elsewhere', reference({ attributes_key: 'dlq/x' })],
      ['no reference', '{"overflow":true}'],
      ['no JSON', 'overflow'],
    ])('a forged reference to %s is archived as the text it is', async (_, body) => {
      const objects = memoryObjects({ 's3://secrets/overflow/source-1': 'a secret' });
      await archiveBatch([refused({ body_overflow: 'true' }, body)], SETTINGS, { ...collaborators(), objects });
      expect(archived(objects, key)).toMatchObject({ body, overflow: null });
    });
  });

  it('puts nothing unchecked into a key, whatever the message says about itself', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('../x', 'a;drop table', 'x'.repeat(5_000), '__proto__'),
    );
    const attributes = fc.record({ topic_name: text, source_message_id: text, failed_at: text, error_code: text });
    await fc.assert(
      fc.asyncProperty(attributes, text, async (forged, body) => {
        const ports = collaborators();
        await expect(archiveBatch([refused(forged, body)], SETTINGS, ports)).resolves.toEqual(failed());
        const [entry] = [...ports.index.entries.values()];
        expect(entry?.s3_key).toMatch(
          /^dlq\/(_unknown|[a-z][a-z0-9._-]{0,127})\/\d{4}\/\d\d\/\d\d\/[A-Za-z0-9_-]{1,128}\.json$/,
        );
        // DynamoDB's limits: 1,024 bytes of sort key, 2,048 of an index's partition key.
        expect(Buffer.byteLength(entry?.failed_at_message_id ?? '')).toBeLessThanOrEqual(1_024);
        expect(Buffer.byteLength(entry?.error_code ?? '')).toBeLessThanOrEqual(2_048);
      }),
    );
  });
});
