/**
 * Whatever reads the text of a message takes time in proportion to it: the worst texts are searched for, see slow-texts.ts.
 * The jobs are held to the same by tests/glue/laws/test_linear_time.py.
 */
import { describe, expect, it } from '@jest/globals';
import {
  decodeMessage,
  decodeRecord,
  parseTime,
  readEnvelope,
  readJsonSource,
  scanJson,
} from '../../packages/common/src/core';
import { scanBroken } from '../../packages/common/src/core/json/scan-broken';
import { budget, sqsRecord } from '../../packages/common/src/testing';
import { rawRowOf } from '../../packages/firehose-transform/src/raw-row';
import { segmentsOf } from '../../packages/stream-error-reader/src/json-segments';
import { sendableOf } from '../../packages/stream-error-reader/src/sendable';
import { checkGrowth, checkLinear, drawShapes, MEGABYTE, type Parser, type Pieces } from './slow-texts';

const CANDIDATES = budget({ eachRun: 3_000, thorough: 300_000 });
const WORST = budget({ eachRun: 1, thorough: 8 });

const MESSAGE = '{"topic_name":"a.b","payload":{"a":[1,{"b":"\\ud800"}],"c":-1.0e+1},"message_id":"x"}';
const JSON_TOKENS = [
  ...[
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '"',
    "'",
    '"a":',
    '"#":',
    '"payload":',
    '"payload":NaN,',
    '"payload":[',
    '1,',
    '//',
    '/*',
  ],
  ...['\\', '\\ud800', '\\"', '0', '1', '-', '.', 'e', 'true', 'NaN', ' ', '\n', '\ufeff', '{}', '[]', '('],
];
const JSON_PIECES: Pieces = {
  samples: [MESSAGE, JSON.stringify(MESSAGE)],
  tokens: JSON_TOKENS,
  closings: ['', ']', '}', '0}', '"'],
};
const FRAME: Pieces = {
  samples: [
    '{"v":1,"topic_name":"a.b","message_id":"x","idempotency_key":"k","event_time":null,"produced_at":12,' +
      '"received_at":12,"source_message_id":"y","trace_id":"z","envelope_issues":"[]"}\n{"a":1}',
  ],
  tokens: JSON_TOKENS,
  closings: ['', '}'],
};
const TIME: Pieces = {
  samples: ['2026-11-23T10:00:00.5+01:00', '2026-11-23T10:00:00Z'],
  tokens: ['0', '1', '-', ':', 'T', '.', 'Z', '+', 'x'],
  closings: [''],
};

const settings = { maxClockSkew: 86_400_000_000n };
const arrival = { messageId: 'm', sentAt: 0n, receivedAt: 0n };
const PARSERS: readonly (readonly [string, Parser, Pieces])[] = [
  ['an envelope', (body) => readEnvelope({ body, ...arrival }, settings), JSON_PIECES],
  ['a bare body', (body) => readEnvelope({ body, ...arrival, topicAttribute: 'a.b' }, settings), JSON_PIECES],
  ['a message', (body) => decodeMessage(sqsRecord({ body }), 0n, settings), JSON_PIECES],
  ['the members of JSON', scanJson, JSON_PIECES],
  ['an object with a broken member', (text) => scanBroken(text, 'payload'), JSON_PIECES],
  ['the places of JSON', readJsonSource, JSON_PIECES],
  ['an error object', (text) => [...segmentsOf(Buffer.from(text))], JSON_PIECES],
  ['a record of the stream', (text) => decodeRecord(Buffer.from(text)), FRAME],
  ['a row of RAW', (text) => rawRowOf(Buffer.from(text), 0n), FRAME],
  ['a record to send again', (text) => sendableOf(Buffer.from(text)), FRAME],
  ['a time', parseTime, TIME],
];

describe('the time for the worst texts grows as their length, for', () => {
  it.each(PARSERS)('%s', (_, parser, pieces) => {
    expect(() => checkLinear(parser, drawShapes(pieces, CANDIDATES), WORST)).not.toThrow();
  });
});

describe('the search', () => {
  it('finds a pattern that takes the square', () => {
    const pattern = /^-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?0*([0-9]+))?$/;
    const pieces = { samples: ['-1.01e+10'], tokens: ['0', '1', '.', 'e', '-', '+', 'x'], closings: [''] };
    const search = () => checkLinear((text) => pattern.test(text), drawShapes(pieces, 2_000), 1);
    expect(search).toThrow(/times the text takes/);
  });

  it('lets what is linear pass', () => {
    const shape = { beginning: '"', part: 'a', closing: '', end: '"' };
    expect(() => checkGrowth((text) => JSON.parse(text) as unknown, shape, MEGABYTE)).not.toThrow();
  });
});
