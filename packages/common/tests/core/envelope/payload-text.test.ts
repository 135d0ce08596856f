import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { payloadText } from '../../../src/core/envelope/payload-text';
import { readEnvelope } from '../../../src/core/envelope/read-envelope';

/** Vectors that the Spark job's tests read too: tests/conformance/README.md. */
const VECTORS = path.resolve(__dirname, '../../../../../tests/conformance/payloads.json');
const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as readonly { name: string; sent: string; raw: string }[];

function rawOf(body: string, topicAttribute?: string): string {
  const arrival = { body, topicAttribute, messageId: 'm', sentAt: 0n, receivedAt: 0n };
  const read = readEnvelope(arrival, { maxClockSkew: 0n });
  if (!read.ok) throw new Error(read.message);
  // RAW is UTF-8, which has no half of a surrogate pair.
  return Buffer.from(read.envelope.payload).toString('utf8');
}

describe("RAW's text for a payload", () => {
  it.each(vectors)('is that of the vector, in an envelope and alone: $name', ({ sent, raw }) => {
    expect(rawOf(`{"topic_name":"t","payload": ${sent} ,"message_id":"m"}`)).toBe(raw);
    expect(rawOf(sent, 't')).toBe(raw);
  });

  it('is JSON that means the same, for any JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((text) => JSON.stringify(text)),
        ),
        (text) => {
          const given = JSON.stringify(text);
          const value = JSON.parse(payloadText(given)) as unknown;
          expect(value).toEqual(typeof value === 'object' && value !== null ? JSON.parse(text) : text);
          expect(payloadText(payloadText(given))).toBe(payloadText(given));
        },
      ),
    );
  });

  it('keeps white space around a bare text', () => {
    expect(rawOf(' "ON"\n', 't')).toBe(' "ON"\n');
    expect(rawOf(' "{\\"a\\":1}"\n', 't')).toBe('{"a":1}');
  });
});
