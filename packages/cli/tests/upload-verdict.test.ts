import { describe, expect, it } from '@jest/globals';
import type { Document } from '@lean-ops/common/core';
import { parseErrorReport } from '../src/upload/error-report';
import { decide, sameSchema, type Standing } from '../src/upload/decide-upload';
import { verdictOn } from '../src/upload/upload-verdict';

const item = (changes: Document): Document => ({
  topic_name: 'tank.level',
  claimed_sequencer: '1',
  settled_sequencer: '1',
  ...changes,
});

describe('verdictOn', () => {
  const ready = item({ status: 'READY', schema_etag: 'old', schema_version: 1 });
  const next = { claimed_sequencer: '2', settled_sequencer: '2' };

  it.each<[string, Document | undefined, Document | undefined, string | undefined, object]>([
    ['not begun', ready, ready, 'mine', { verdict: 'WAITING', begun: false }],
    ['begun', ready, { ...ready, claimed_sequencer: '2' }, 'mine', { verdict: 'WAITING', begun: true }],
    ['no item yet', undefined, undefined, 'mine', { verdict: 'WAITING', begun: false }],
    [
      'active',
      ready,
      { ...ready, ...next, schema_etag: 'mine', schema_version: 2 },
      undefined,
      { verdict: 'READY', version: 2, held: undefined },
    ],
    [
      'active, and pending/ not cleared yet',
      undefined,
      { ...ready, ...next, schema_etag: 'mine' },
      'mine',
      { verdict: 'READY', version: 1, held: undefined },
    ],
    [
      'active under an operator who holds the topic',
      item({ status: 'MAINTENANCE', schema_etag: 'old' }),
      item({ ...next, status: 'MAINTENANCE', schema_etag: 'mine', schema_version: 2 }),
      undefined,
      { verdict: 'READY', version: 2, held: 'MAINTENANCE' },
    ],
    [
      'refused under an operator who holds the topic',
      item({ status: 'REBUILDING', schema_etag: 'old' }),
      item({ ...next, status: 'REBUILDING', schema_etag: 'old', failed_etag: '"mine"', error_code: 'X' }),
      undefined,
      { verdict: 'REFUSED', code: 'X', message: undefined },
    ],
    [
      'the text that was active, refused by newer rules',
      item({ schema_etag: 'mine' }),
      item({ ...next, schema_etag: 'mine', failed_etag: 'mine' }),
      undefined,
      { verdict: 'REFUSED', code: undefined, message: undefined },
    ],
    [
      'the text that was refused, before it is judged again',
      item({ status: 'ERROR', failed_etag: 'mine' }),
      item({ status: 'ERROR', failed_etag: 'mine' }),
      'mine',
      { verdict: 'WAITING', begun: false },
    ],
    [
      'the same text once more: the upload before cleared pending/ of this one',
      item({ schema_etag: 'mine', schema_version: 1, status: 'READY' }),
      item({ schema_etag: 'mine', schema_version: 1, status: 'READY', claimed_sequencer: '2' }),
      undefined,
      { verdict: 'READY', version: 1, held: undefined },
    ],
    [
      'an upload before it was settled meanwhile, and this one is next',
      ready,
      { ...ready, ...next, failed_etag: 'other' },
      'mine',
      { verdict: 'WAITING', begun: true },
    ],
    ['a newer upload lies there', ready, ready, 'other', { verdict: 'SUPERSEDED' }],
    [
      'a newer upload became active',
      ready,
      { ...ready, ...next, schema_etag: 'other' },
      undefined,
      { verdict: 'SUPERSEDED' },
    ],
    [
      'active, though a newer upload lies there already',
      ready,
      { ...ready, ...next, schema_etag: 'mine' },
      'other',
      { verdict: 'READY', version: 1, held: undefined },
    ],
    ['removed by somebody', ready, ready, undefined, { verdict: 'GONE' }],
    ['an item of nonsense', ready, { failed_etag: 7, schema_etag: null }, 'mine', { verdict: 'WAITING', begun: true }],
  ])('%s', (_, before, now, pending, expected) => {
    expect(verdictOn('mine', before, now, pending)).toEqual(expected);
  });
});

describe('decide', () => {
  const blank: Standing = { active: undefined, pending: false, failed: undefined };
  const text = '{ "a": 1 }';
  it.each<[string, Standing, string]>([
    ['new', blank, 'PUSH'],
    ['active', { ...blank, active: '{"a":1}\r\n' }, 'ACTIVE'],
    ['active, and another is under way', { ...blank, active: text, pending: true }, 'PUSH'],
    ['active, and another was refused', { ...blank, active: text, failed: { text: '{}' } }, 'PUSH'],
    ['another is active', { ...blank, active: '{}' }, 'PUSH'],
    ['refused before', { ...blank, active: '{}', failed: { text } }, 'REFUSED_BEFORE'],
    ['refused before, and again under way', { active: '{}', pending: true, failed: { text } }, 'PUSH'],
    ['refused, and not readable', { ...blank, failed: { text: undefined } }, 'PUSH'],
  ])('%s', (_, standing, decision) => {
    expect(decide(text, standing)).toBe(decision);
  });
});

describe('sameSchema', () => {
  it.each([
    ['{"a": [1, 2]}', '{ "a":[1,2] }\n', true],
    ['{"a": "x y"}', '{"a": "xy"}', false],
    ['{"a": "\\" b"}', '{"a": "\\"b"}', false],
    ['{"a": 1.0}', '{"a": 1}', false],
    ['{"a": 9007199254740993}', '{"a": 9007199254740992}', false],
    ['{"a": 1, "b": 2}', '{"b": 2, "a": 1}', false],
    ['{"a": "\\', '{"a": "\\', true],
    ['{"a": " ', '{"a": "', false],
  ])('%s and %s: %s', (a, b, same) => {
    expect(sameSchema(a, b)).toBe(same);
  });

  it('is quick with what is hardly JSON', () => {
    const started = performance.now();
    sameSchema('"\\'.repeat(500_000), '\\"'.repeat(500_000));
    sameSchema(`"${'a '.repeat(500_000)}`, `"${'\\'.repeat(999_999)}`);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('parseErrorReport', () => {
  it('reads what the validator writes', () => {
    const errors = [{ code: 'X', path: '/a', message: 'm', hint: 'h' }];
    expect(parseErrorReport(JSON.stringify({ topic: 't', etag: '"e"', failed_at: 'now', errors }))).toEqual({
      ok: true,
      report: { etag: 'e', problems: errors },
    });
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"etag":"e","errors":[]}',
    '{"etag":7,"errors":[{}]}',
    '{"etag":"e","errors":"x"}',
  ])('says that %j is none', (text) => {
    expect(parseErrorReport(text)).toMatchObject({ ok: false });
  });

  it('makes the best of entries that somebody damaged', () => {
    expect(parseErrorReport('{"etag":"e","errors":[null,{"code":"X","path":7}]}')).toMatchObject({
      ok: true,
      report: {
        problems: [
          { code: 'UNKNOWN', path: '' },
          { code: 'X', path: '' },
        ],
      },
    });
  });
});
