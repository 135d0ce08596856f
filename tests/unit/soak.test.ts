import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTopicName } from '../../packages/common/src/core/topic';
import { takeAccount, type FoundMessages } from '../../scripts/soak/account';
import { ILLEGAL_TOPICS, soakMessages } from '../../scripts/soak/messages';
import { isCleanCatalogName, isCleanKey } from '../../scripts/soak/stray-names';

const REFUSED = true;
const GOOD = false;

function found(places: {
  raw?: Record<string, number>;
  dlq?: Record<string, string>;
  errors?: string[];
}): FoundMessages {
  return {
    raw: new Map(Object.entries(places.raw ?? {})),
    dlq: new Map(Object.entries(places.dlq ?? {}).map(([id, code]) => [id, new Set([code])])),
    firehoseErrors: new Set(places.errors),
  };
}

describe('takeAccount', () => {
  const sent = new Map([
    ['a', GOOD],
    ['b', GOOD],
    ['c', REFUSED],
  ]);

  it('balances when every message is in RAW or in the DLQ, copies and redriven ones included', () => {
    const account = takeAccount(sent, found({ raw: { a: 2, b: 1 }, dlq: { b: 'MAX_RECEIVES', c: 'NO_TOPIC' } }));
    expect(account).toMatchObject({ sent: 3, rawRows: 3, raw: 2, dlq: 2, both: ['b'], missing: [], faults: [] });
    expect(account.dlqByCode).toEqual({ MAX_RECEIVES: 1, NO_TOPIC: 1 });
  });

  it.each([
    ['a message that is nowhere', found({ raw: { a: 1 }, dlq: { c: 'NO_TOPIC' } }), 'RAW or in the DLQ: 1 are not'],
    ['a message nobody sent', found({ raw: { a: 1, b: 1, z: 1 }, dlq: { c: 'NO_TOPIC' } }), 'that arrived was sent'],
    ['an illegal message in RAW', found({ raw: { a: 1, b: 1, c: 1 } }), 'kept out of RAW'],
    ['a good message refused', found({ raw: { a: 1 }, dlq: { b: 'NO_TOPIC', c: 'NO_TOPIC' } }), 'ENDS_FUNCTION alone'],
    [
      'a record that Firehose gave up',
      found({ raw: { a: 1 }, dlq: { c: 'NO_TOPIC' }, errors: ['b'] }),
      'that Firehose could not deliver',
    ],
  ])('does not with %s', (_, rest, law) => {
    expect(takeAccount(sent, rest).faults.join('\n')).toContain(law);
  });

  it('accepts a record that Firehose gave up when the message is there besides', () => {
    const account = takeAccount(sent, found({ raw: { a: 1, b: 1 }, dlq: { c: 'NO_TOPIC' }, errors: ['b'] }));
    expect(account).toMatchObject({ firehoseErrors: 1, stranded: [], faults: [] });
  });

  it('finds every loss, wherever the messages went', () => {
    const place = fc.constantFrom('raw', 'dlq', 'both', 'nowhere');
    fc.assert(
      fc.property(fc.array(place, { maxLength: 50 }), (places) => {
        const ids = places.map((where, n) => [`m${n}`, where] as const);
        const account = takeAccount(
          new Map(ids.map(([id]) => [id, GOOD])),
          found({
            raw: Object.fromEntries(ids.filter(([, w]) => w === 'raw' || w === 'both').map(([id]) => [id, 1])),
            dlq: Object.fromEntries(
              ids.filter(([, w]) => w === 'dlq' || w === 'both').map(([id]) => [id, 'MAX_RECEIVES']),
            ),
          }),
        );
        const lost = ids.filter(([, w]) => w === 'nowhere').map(([id]) => id);
        expect(account.missing).toEqual(lost);
        expect(account.faults.length === 0).toBe(lost.length === 0);
        expect(account.raw + account.dlq - account.both.length + lost.length).toBe(account.sent);
      }),
    );
  });
});

describe('soakMessages', () => {
  it('makes exactly as many as asked for, the same for the same seed, illegal and too large ones among them', () => {
    const messages = soakMessages({ count: 1_000, seed: 3 });
    expect(messages).toHaveLength(1_000);
    expect(soakMessages({ count: 1_000, seed: 3 })).toEqual(messages);
    expect(messages.filter(({ refused }) => refused).length).toBeGreaterThan(30);
    expect(messages.filter(({ body }) => body.length > 1_024_000)).toHaveLength(2);
    for (const topic of ILLEGAL_TOPICS) {
      expect(messages.some((message) => message.topic === topic)).toBe(true);
      expect(messages.some(({ body }) => body.includes(`"topic_name":${JSON.stringify(topic)}`))).toBe(true);
    }
  });

  it('calls no name illegal that a topic may have', () => {
    expect(ILLEGAL_TOPICS.filter(isTopicName)).toEqual([]);
  });
});

describe('names', () => {
  const id = '0b0e2f9e-6a3b-4c55-9d0e-0c9d8c8d7c11';

  it('are clean as the archiver and the catalog make them', () => {
    expect(isCleanKey(`dlq/telemetry.climate/2026/11/03/${id}.json`)).toBe(true);
    expect(isCleanKey(`dlq/_unknown/2026/11/03/${id}.json`)).toBe(true);
    expect(isCleanKey(`overflow/${id}`)).toBe(true);
    expect(isCleanCatalogName('telemetry_climate')).toBe(true);
  });

  it.each(ILLEGAL_TOPICS.map((topic) => [topic]))('are not when %j got through', (topic) => {
    expect(isCleanKey(`dlq/${topic}/2026/11/03/${id}.json`)).toBe(false);
    expect(isCleanCatalogName(topic)).toBe(false);
  });
});
