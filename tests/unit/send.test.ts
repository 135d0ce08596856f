import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { batches, readMessages, topicOf, type Message } from '../../scripts/local/send';

const message = fc.record({
  body: fc.string({ maxLength: 200 }).map((text) => text.repeat(400)),
  topic: fc.option(fc.constant('a.b'), { nil: undefined }),
});

describe('readMessages', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'send-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const bodiesOf = async (text: string): Promise<string[]> => {
    const file = path.join(folder, 'events.ndjson');
    writeFileSync(file, text);
    return (await readMessages(file, undefined)).map(({ body }) => body);
  };

  it('sends the lines as they are, without blank ones', async () => {
    expect(await bodiesOf('{"a":"\u2028"}\n\n {"b":1} \r\n\ufeff{"c":1}')).toEqual([
      '{"a":"\u2028"}',
      ' {"b":1} ',
      '\ufeff{"c":1}',
    ]);
  });

  it('takes a byte order mark for no part of the file', async () => {
    expect(await bodiesOf('\ufeff{"a":1}\n{"b":1}')).toEqual(['{"a":1}', '{"b":1}']);
    expect(await bodiesOf('\ufeff\n{"b":1}')).toEqual(['{"b":1}']);
    expect(await bodiesOf('\ufeff')).toEqual([]);
  });
});

describe('topicOf', () => {
  it.each([
    ['{"topic_name":"a.b","payload":{"a":NaN}}', undefined, 'a.b'],
    ['\ufeff{"topic_name":"a.b","payload":1}', undefined, 'a.b'],
    ['{"topic_name":"a.b","x":1}', 'c', 'c'],
    ['{"topic_name":"../x","payload":1}', 'c', 'c'],
    ['no json', 'c', 'c'],
    ['{"topic_name":"../x","payload":1}', undefined, undefined],
    ['no json', undefined, undefined],
  ])('of %j beside %j is %j', (body, topic, expected) => {
    expect(topicOf({ body, ...(topic !== undefined && { topic }) })).toBe(expected);
  });
});

describe('batches', () => {
  it('keeps every message once, in order, within 10 messages and 1 MiB a call', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 80 }), (messages) => {
        const out = [...batches(messages as Message[])];
        expect(out.flat().map(({ index }) => index)).toEqual(messages.map((_, index) => index));
        for (const batch of out) {
          expect(batch.length).toBeLessThanOrEqual(10);
          const bytes = batch.reduce((sum, entry) => sum + Buffer.byteLength(entry.message.body), 0);
          expect(batch.length === 1 || bytes <= 1_048_576).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});
