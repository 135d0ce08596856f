import { describe, expect, it } from '@jest/globals';
import { decideUpload, sameSchema, type UploadState } from '../src/upload/decide-upload';

describe('decideUpload', () => {
  const blank: UploadState = { active: undefined, pending: false, failed: undefined };
  const text = '{ "a": 1 }';
  it.each<[string, UploadState, string]>([
    ['new', blank, 'PUSH'],
    ['active', { ...blank, active: '{"a":1}\r\n' }, 'ACTIVE'],
    ['active, and another is under way', { ...blank, active: text, pending: true }, 'PUSH'],
    ['active, and another was refused', { ...blank, active: text, failed: { text: '{}' } }, 'PUSH'],
    ['active by an operation since it was refused', { ...blank, active: text, failed: { text } }, 'PUSH'],
    ['another is active', { ...blank, active: '{}' }, 'PUSH'],
    ['refused before', { ...blank, active: '{}', failed: { text } }, 'REFUSED_BEFORE'],
    ['refused before, and again under way', { active: '{}', pending: true, failed: { text } }, 'PUSH'],
    ['refused, and not readable', { ...blank, failed: { text: undefined } }, 'PUSH'],
  ])('%s', (_, state, decision) => {
    expect(decideUpload(text, state)).toBe(decision);
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
