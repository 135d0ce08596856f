import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { acceptMessages } from '../../scripts/local/messages/accept';
import { describeFaults, faultyMessages, inspectMessages } from '../../scripts/local/messages/inspect';
import type { Message } from '../../scripts/local/send';

const BARE = '{"device_id":"dev-7","temperature":21.5}';
const ENVELOPE = '{"topic_name":"telemetry.climate","payload":{"device_id":"dev-7"}}';
const lines = (bodies: readonly string[], topic?: string): Message[] =>
  bodies.map((body, index) => ({ body, line: index + 1, ...(topic !== undefined && { topic }) }));
const saidOf = (bodies: readonly string[], topic?: string): string[] =>
  describeFaults(inspectMessages(lines(bodies, topic)));

describe('inspectMessages', () => {
  it('finds no fault in envelopes, nor in bare payloads with a topic', () => {
    expect(saidOf([ENVELOPE, ENVELOPE])).toEqual([]);
    expect(saidOf([BARE], 'telemetry.climate')).toEqual([]);
  });

  it.each<[string, string[], string | undefined, RegExp]>([
    [
      'no topic',
      [BARE, ENVELOPE, BARE],
      undefined,
      /^2 of 3 lines have no topic_name \(lines 1, 3\): add --topic TOPIC/,
    ],
    [
      'a topic of the file that cannot be',
      [BARE],
      'Telemetry Climate',
      /^1 of 1 line has an invalid topic \(line 1\): .*"Telemetry Climate".*a-z first/,
    ],
    [
      'a topic of a line that cannot be',
      ['{"topic_name":"../x","payload":1}'],
      undefined,
      /^1 of 1 line has an invalid topic/,
    ],
    ['no JSON', [BARE, 'device_id;temperature', BARE], 'telemetry.climate', /^1 of 3 lines is not JSON \(line 2\)/],
    ['no JSON and no topic', ['a,b'], undefined, /^1 of 1 line is not JSON/],
    [
      'too large',
      [JSON.stringify('x'.repeat(1_030_000))],
      'telemetry.climate',
      /^1 of 1 line is too large \(line 1\): .*1,024,000 bytes/,
    ],
  ])('finds %s', (_, bodies, topic, sentence) => {
    expect(saidOf(bodies, topic)).toEqual([expect.stringMatching(sentence)]);
  });

  it('names the first three lines of many, by their numbers in the file', () => {
    const messages = lines(Array.from({ length: 200 }, () => BARE)).map((message) => ({
      ...message,
      line: (message.line ?? 0) * 2,
    }));
    expect(describeFaults(inspectMessages(messages))).toEqual([
      '200 of 200 lines have no topic_name (lines 2, 4, 6, …): add --topic TOPIC, or topic_name to the lines.',
    ]);
  });

  it('counts each faulty line once', () => {
    const body = fc.constantFrom(
      BARE,
      ENVELOPE,
      'no json',
      '{"topic_name":"A","payload":1}',
      '[1',
      '{"topic_name":"a.b"}',
    );
    fc.assert(
      fc.property(fc.array(body), fc.option(fc.constantFrom('a.b', 'A'), { nil: undefined }), (bodies, topic) => {
        const inspection = inspectMessages(lines(bodies, topic));
        const faulty = [...inspection.faults.values()].flat();
        expect(new Set(faulty).size).toBe(faulty.length);
        expect(faultyMessages(inspection)).toBe(faulty.length);
      }),
    );
  });
});

describe('acceptMessages', () => {
  it('refuses lines of which none can become a row, unless they are sent anyway', () => {
    const faulty = lines([BARE, BARE]);
    expect(() => acceptMessages(faulty, 'events.ndjson', false)).toThrow(
      /^Nothing was sent: no line can become a row\.\n {2}2 of 2 lines have no topic_name.*\n--anyway sends/,
    );
    expect(acceptMessages(faulty, 'events.ndjson', true)).toMatch(/^Warning: /);
  });

  it('warns of some, is silent about none, and refuses an empty file', () => {
    expect(acceptMessages(lines([BARE, ENVELOPE]), 'f', false)).toContain('1 of 2 lines has no topic_name (line 1)');
    expect(acceptMessages(lines([ENVELOPE]), 'f', false)).toBeUndefined();
    expect(() => acceptMessages([], 'f', false)).toThrow('f has no lines');
  });
});
