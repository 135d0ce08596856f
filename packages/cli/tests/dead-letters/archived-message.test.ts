import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  editMessage,
  judge,
  prepareReplay,
  readArchived,
  replayMessage,
  type OriginalMessage,
} from '../../src/dead-letters/archived-message';

const KEY = 'dlq/t/2026/11/23/m-1.json';
const NOW = Date.parse('2026-11-24T10:00:00Z');
const OPERATION = '20261124T100000Z-replay-ab12cd';

/** An object of the archive, as dlq-archiver writes it of a letter of sqs-processor; a test names only what it varies. */
function archived(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    v: 1,
    topic_name: 't',
    source_message_id: 'm-1',
    origin: 'sqs-processor',
    trace_id: '1-5e1b',
    sent_at: '2026-11-23T10:05:00.000Z',
    body: '{"a":1}',
    message_attributes: { error_code: { dataType: 'String', stringValue: 'UNEXPECTED' } },
    source_attributes: JSON.stringify({
      system: { SentTimestamp: '1795428001000', ApproximateFirstReceiveTimestamp: '1795428001250' },
      message: { topic_name: { dataType: 'String', stringValue: 't', stringListValues: [] } },
    }),
    ...changes,
  });
}

function original(changes: Readonly<Record<string, unknown>> = {}): OriginalMessage {
  const read = readArchived(archived(changes), KEY);
  if (!read.ok) throw new Error(read.message);
  return read.message;
}

describe('readArchived', () => {
  it('has the message as its producer sent it, with the facts that the ingest queue gave it', () => {
    expect(original()).toEqual({
      body: '{"a":1}',
      attributes: { topic_name: { dataType: 'String', stringValue: 't' } },
      messageId: 'm-1',
      // Of the message, and not of the letter in the DLQ.
      sentAt: 1_795_428_001_000,
      receivedAt: 1_795_428_001_250,
      traceId: '1-5e1b',
      firstLetter: KEY,
      attempts: 0,
    });
  });

  it('has one that came by redrive with its own attributes and times', () => {
    const redriven = {
      origin: 'redrive',
      trace_id: null,
      source_attributes: null,
      first_received_at: '2026-11-23T10:05:01.000Z',
      message_attributes: { topic_name: { dataType: 'String', stringValue: 'u' } },
    };
    expect(original(redriven)).toMatchObject({
      attributes: { topic_name: { stringValue: 'u' } },
      sentAt: Date.parse('2026-11-23T10:05:00Z'),
      receivedAt: Date.parse('2026-11-23T10:05:01Z'),
      traceId: undefined,
    });
  });

  it('does not believe an object whose producer had attributes of the names that sqs-processor uses', () => {
    const claimed = {
      origin: 'checkout',
      source_message_id: 'shop',
      dlq_message_id: 'm-7',
      source_attributes: JSON.stringify({ system: { SentTimestamp: '1' }, message: {} }),
    };
    expect(original(claimed)).toMatchObject({
      messageId: 'm-7',
      sentAt: Date.parse('2026-11-23T10:05:00Z'),
      attributes: { error_code: { stringValue: 'UNEXPECTED' } },
      traceId: undefined,
    });
  });

  it.each([
    ['OBJECT_GONE', undefined],
    ['OBJECT_UNREADABLE', '{'],
    ['OBJECT_UNREADABLE', '[]'],
    ['BODY_GONE', archived({ body: null })],
    ['ATTRIBUTES_GONE', archived({ source_attributes: null })],
    ['ATTRIBUTES_GONE', archived({ source_attributes: '{"system":{},"message":{}}' })],
    ['ATTRIBUTES_GONE', archived({ source_attributes: '{"system":{"SentTimestamp":"1"},"message":[]}' })],
    ['ATTRIBUTES_GONE', archived({ source_message_id: undefined })],
  ])('says %s of what cannot be sent as it was', (code, text) => {
    expect(readArchived(text, KEY)).toMatchObject({ ok: false, code });
  });

  it('throws for no object', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (text, source) => {
        readArchived(text, KEY);
        readArchived(archived({ source_attributes: source }), KEY);
      }),
    );
  });
});

describe('what is sent', () => {
  it('keeps every attribute of a producer through any number of replays, in at most ten', () => {
    const name = fc.stringMatching(/^[a-z]{1,6}$/);
    const names = fc.uniqueArray(name, { maxLength: 9 }).map((all) => ['topic_name', ...all]);
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 4 }), (all, times) => {
        const attributes = Object.fromEntries(all.map((one) => [one, { dataType: 'String', stringValue: 't' }]));
        let message = { ...original(), attributes };
        for (let time = 1; time <= times; time += 1) {
          const sent = replayMessage(message, { operation: OPERATION });
          expect(Object.keys(sent.attributes).length).toBeLessThanOrEqual(10);
          expect(judge(sent, NOW)).toMatchObject({ ok: true, header: { topic: 't', sourceMessageId: 'm-1' } });
          // It dies once more, and is archived with the attributes that it had then.
          const died = Object.entries(sent.attributes).map(([one, stringValue]) => [
            one,
            { dataType: 'String', stringValue },
          ]);
          const system = { SentTimestamp: String(NOW), ApproximateFirstReceiveTimestamp: String(NOW) };
          const source_attributes = JSON.stringify({ system, message: Object.fromEntries(died) as object });
          message = {
            ...original({ source_message_id: `again-${time}`, source_attributes }),
            attributes: message.attributes,
          };
          expect(message).toMatchObject({
            messageId: 'm-1',
            sentAt: 1_795_428_001_000,
            attempts: time,
            firstLetter: KEY,
          });
          const read = readArchived(archived({ source_attributes }), KEY);
          expect(read.ok && new Set(Object.keys(read.message.attributes))).toEqual(new Set(all));
        }
      }),
    );
  });

  it('has no room where body and origin together are more than SQS takes', () => {
    const message = { ...original(), body: 'x'.repeat(1_048_500) };
    expect(prepareReplay(message, { operation: OPERATION }, NOW)).toMatchObject({ ok: false, code: 'NO_ROOM' });
  });

  it('has no room for a correction beside ten attributes, of which none is left out in silence', () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [`a${at}`, { dataType: 'String', stringValue: 'x' }]),
    );
    const edit = editMessage('{"topic_name":"t","payload":1}', KEY, { attributes }, { operation: OPERATION });
    expect(judge(edit, NOW)).toMatchObject({ ok: false, code: 'NO_ROOM' });
  });
});
