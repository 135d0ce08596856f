import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budget } from '../../../src/testing';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { scanJson } from '../../../src/core/json/scan';

/** Vectors that the Spark job's tests read too: tests/conformance/README.md. */
const VECTORS = path.resolve(__dirname, '../../../../../tests/conformance/invalid_json.json');
const invalid = JSON.parse(readFileSync(VECTORS, 'utf8')) as readonly { name: string; payload: string }[];

/** Whether JSON.parse accepts a text. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const whitespace = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });

/** Source texts of numbers that JSON.parse would rewrite. */
const numberText = fc.constantFrom('9007199254740993', '1.10', '1e400', '-0', '0.1E-7', '12', '-1.5e+10');
const stringText = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\ud800"', '"\\u0041\\n\\/"', '"\\\\"', '"\\""', '"😀"', '"__proto__"', '"\\u005f_proto__"', '""'),
);

/** Texts of JSON documents with white space anywhere, duplicate keys, and tokens that no parser writes. */
const { document } = fc.letrec<{ document: string; value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    numberText,
    stringText,
    fc.constantFrom('true', 'false', 'null'),
    tie('array'),
    tie('object'),
  ),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 4 }), whitespace)
    .map(([items, ws]) => `[${ws}${items.join(`${ws},`)}]`),
  object: fc
    .tuple(fc.array(fc.tuple(stringText, tie('value')), { maxLength: 4 }), whitespace)
    .map(([members, ws]) => `{${ws}${members.map(([key, value]) => `${key}${ws}:${ws}${value}${ws}`).join(`,${ws}`)}}`),
  document: fc.tuple(whitespace, fc.oneof(tie('object'), tie('value')), whitespace).map((parts) => parts.join('')),
}));

describe('scanJson', () => {
  it('finds each member where JSON.parse finds it, the last one of duplicates counting', () => {
    fc.assert(
      fc.property(document, (text) => {
        const parsed = JSON.parse(text) as unknown;
        const scan = scanJson(text);
        const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
        expect(scan.kind).toBe(isObject ? 'object' : 'other');
        if (scan.kind !== 'object') return;
        const last = new Map(scan.members.map(({ key, start, end }) => [key, text.slice(start, end)]));
        expect([...last.keys()].sort()).toEqual(Object.keys(parsed as object).sort());
        for (const [key, source] of last) {
          expect(source).toBe(source.trim());
          const own = Object.getOwnPropertyDescriptor(parsed, key);
          expect(JSON.parse(source)).toEqual(own?.value);
        }
      }),
      { numRuns: budget({ eachRun: 500, thorough: 2_000 }) },
    );
  });

  it('accepts and refuses what JSON.parse does, on documents with one character changed', () => {
    const change = fc.tuple(
      fc.nat(),
      fc.string({
        unit: fc.constantFrom(...Array.from('{}[]",:\\ 0-+.eEu\'nNtf/*\u0000\u001f\ufeff\u00a0')),
        maxLength: 1,
      }),
    );
    fc.assert(
      fc.property(document, change, (text, [position, replacement]) => {
        const at = position % (text.length + 1);
        const changed = text.slice(0, at) + replacement + text.slice(at + 1);
        expect(scanJson(changed).kind !== 'invalid').toBe(isJson(changed));
      }),
      { numRuns: budget({ eachRun: 1_000, thorough: 5_000 }) },
    );
  });

  it('says of an object that was cut off that its fault is at its end', () => {
    fc.assert(
      fc.property(fc.tuple(document, fc.nat()), ([text, at]) => {
        const object = `{"a":${text}}`;
        const cut = object.slice(0, at % object.length);
        expect(scanJson(cut)).toEqual({ kind: 'invalid', offset: cut.length });
      }),
      { numRuns: budget({ eachRun: 1_000, thorough: 5_000 }) },
    );
  });

  it.each([
    '',
    ' ',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,}',
    '{"a":1,,"b":2}',
    '[1,]',
    '[1 2]',
    "{'a':1}",
    '{a:1}',
    'NaN',
    'Infinity',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    '--1',
    '0x10',
    '"\\x"',
    '"\\u12g4"',
    '"\\u12',
    '"a',
    '"\n"',
    'tru',
    'nulls',
    '{}{}',
    '[]]',
    '[}',
    '\ufeff{}',
    '{"a":1}\u00a0',
    '// c\n{}',
    '{"a":/**/1}',
  ])('refuses %j as JSON.parse does', (text) => {
    expect(isJson(text)).toBe(false);
    expect(scanJson(text).kind).toBe('invalid');
  });

  it.each(invalid)('refuses what Python refuses: $name', ({ payload }) => {
    expect(isJson(payload)).toBe(false);
    expect(scanJson(payload).kind).toBe('invalid');
  });

  it('says where the text stops being JSON', () => {
    expect(scanJson('{"a":1,}')).toEqual({ kind: 'invalid', offset: 7 });
    expect(scanJson('\ufeff{}')).toEqual({ kind: 'invalid', offset: 0 });
    expect(scanJson('{"a":')).toEqual({ kind: 'invalid', offset: 5 });
  });

  it.each(['[', '{"a":', '[{"a":'])('survives 500,000 times %j, closed or not', (opening) => {
    const depth = 500_000;
    const closing = Array.from(opening)
      .reverse()
      .flatMap((c) => (c === '[' ? [']'] : c === '{' ? ['}'] : []));
    const nested = `${opening.repeat(depth)}1${closing.join('').repeat(depth)}`;
    expect(scanJson(`{"payload":${nested}}`)).toMatchObject({ members: [{ start: 11, end: 11 + nested.length }] });
    expect(scanJson(`{"payload":${opening.repeat(depth)}`).kind).toBe('invalid');
  });

  it('takes __proto__ for a key like any other', () => {
    expect(scanJson('{"__proto__":{"polluted":true}}')).toMatchObject({ members: [{ key: '__proto__' }] });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
