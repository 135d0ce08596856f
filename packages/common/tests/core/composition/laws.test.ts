import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { mergeSchemas } from '../../../src/core/composition/merge';
import { compareSchemas } from '../../../src/core/drift/schema-comparison';
import { isObject, type JsonObject } from '../../../src/core/json/value';
import { portablePattern } from '../../../src/core/pattern/portable';
import { checkSchema } from '../../../src/core/composition/check';
import { budget, topicSchema, withField } from '../../../src/testing';
import { authorSchemas, subschema, value } from './arbitraries';

const TOPIC = { topic: 'telemetry.climate' };
const numRuns = budget({ eachRun: 150, thorough: 3_000 });
const text = (field: string) => JSON.stringify(withField('a', 'FIELD')).replace('"FIELD"', field);

describe('mergeSchemas', () => {
  it('gives one schema that takes what both take', () => {
    const defs = { one: { type: 'string' }, other: { minimum: 1 } };
    const compile = (schema: JsonObject) =>
      new Ajv2020({ strict: false, validateSchema: false, logger: false }).compile({ ...schema, $defs: defs });
    fc.assert(
      fc.property(subschema, subschema, fc.array(value, { minLength: 1, maxLength: 12 }), (a, b, values) => {
        const both = compile({ allOf: [a, b] });
        const together = mergeSchemas(a, b);
        // Without a type or a value that both take, nothing is left; JSON Schema does not spell that as an empty list.
        const isNever = ['type', 'enum'].some((word) => isEmptyList(together[word]));
        const merged = isNever ? () => false : compile(together);
        expect(values.map((one) => [one, merged(one)])).toEqual(values.map((one) => [one, both(one)]));
      }),
      { numRuns },
    );
  });
});

function isEmptyList(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}

describe('the order of keys and what is for the reader', () => {
  it('change nothing that rows are judged by', () => {
    fc.assert(
      fc.property(authorSchemas, fc.infiniteStream(fc.nat(7)), (schema, picks) => {
        const before = checkSchema(JSON.stringify(schema), TOPIC);
        fc.pre(before.ok);
        const after = checkSchema(JSON.stringify(retold(schema, picks)), TOPIC);
        expect(after).toMatchObject({ ok: true });
        if (!after.ok) return;
        const { changes, problems } = compareSchemas(before.schema, after.schema);
        expect(problems).toEqual([]);
        expect(changes.filter(({ kind }) => kind !== 'ANNOTATION_CHANGED')).toEqual([]);
      }),
      { numRuns },
    );
  });
});

const BY_NAME = ['properties', 'patternProperties', 'dependentSchemas', '$defs'];
const VALUES = ['const', 'enum', 'required', 'type', 'dependentRequired'];

/** The same schema with its words in another order, and with titles and descriptions. */
function retold(schema: JsonObject, picks: fc.Stream<number>): JsonObject {
  const pick = (): number => Number(picks.next().value);
  const node = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(node);
    if (!isObject(one)) return one;
    const words = Object.entries(one).map(([word, inner]): [string, unknown] => {
      if (VALUES.includes(word)) return [word, inner];
      if (BY_NAME.includes(word) && isObject(inner)) {
        return [word, Object.fromEntries(Object.entries(inner).map(([name, member]) => [name, node(member)]))];
      }
      return [word, node(inner)];
    });
    const extra: [string, unknown][] =
      pick() > 5 && one['x-topic'] === undefined
        ? [
            ['title', 'A title'],
            ['$comment', 'x'],
          ]
        : [];
    return Object.fromEntries(pick() > 3 ? [...words.reverse(), ...extra] : [...extra, ...words]);
  };
  return node(schema) as JsonObject;
}

describe('portablePattern', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '[ab]',
    '[^a]',
    '.',
    '\\d',
    '\\w',
    '\\W',
    '\\s',
    '\\S',
    '[\\s-]',
    '\\-',
    '\\.',
    '\\/',
    '(',
    '(?:',
    '(?<n>',
    ')',
    '|',
    '*',
    '+',
    '?',
    '+?',
    '{2}',
    '{1,}',
    '^',
    '$',
    '\\t',
    '\\x41',
    '\\u0062',
  );
  it('finds in every text what the author’s pattern finds', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join('')),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'A', '1', '-', '.', '/', ' ', '\t', '\n', '_', 'é') }), {
          minLength: 4,
          maxLength: 12,
        }),
        (pattern, texts) => {
          const author = regExp(pattern);
          fc.pre(author !== undefined);
          const written = portablePattern(pattern);
          const portable = written === pattern ? author : new RegExp(written, 'u');
          expect(texts.map((one) => [one, portable.test(one)])).toEqual(texts.map((one) => [one, author.test(one)]));
        },
      ),
      { numRuns: budget({ eachRun: 500, thorough: 10_000 }) },
    );
  });
});

function regExp(pattern: string): RegExp | undefined {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags);
    } catch {
      // It may be one without the flag, and else it is none.
    }
  }
  return undefined;
}

describe('the digits of numbers', () => {
  it('survive in the normal form', () => {
    const digits = fc
      .tuple(fc.constantFrom('', '-'), fc.nat(99), fc.stringMatching(/^[0-9]{1,24}$/))
      .map(([sign, whole, part]) => `${sign}${whole}.${part}`);
    fc.assert(
      fc.property(digits, (number) => {
        const result = checkSchema(text(`{"type":["number","null"],"x-type":"decimal(38,25)","minimum":${number}}`));
        expect(result.ok ? [] : result.problems).toEqual([]);
        expect(result.ok && result.schema.columns.at(-1)?.constraints.minimum).toBe(canonical(number));
        expect(
          result.ok &&
            canonical(/"minimum": (-?[0-9.]+)\n/.exec(result.text.slice(result.text.indexOf('38,25')))?.[1] ?? ''),
        ).toBe(canonical(number));
      }),
      { numRuns },
    );
  });

  it.each(['1.10', '0.1000000000000000000001', '12345678901234567890'])('%s stays as it is written', (number) => {
    const result = checkSchema(text(`{"type":["number","null"],"const":${number}}`));
    expect(result.ok && result.text).toContain(
      number.replace(/0$/, (zero) => (number.includes('e') || !number.includes('.') ? zero : '')),
    );
  });

  it('of a number that nobody can read are refused', () => {
    const result = checkSchema(text('{"type":["number","null"],"maximum":1e400}'));
    expect(result.ok ? [] : result.problems.map(({ code }) => code)).toContain('INVALID_BOUND');
  });

  it('are refused where two of them are one to most readers', () => {
    const two = '{"type":["number","null"],"enum":[0.1000000000000000000001,0.1000000000000000000002]}';
    const result = checkSchema(text(two));
    expect(result.ok ? [] : result.problems.map(({ code }) => code)).toContain('NUMBER_NOT_EXACT');
  });
});

/** A decimal without zeros that say nothing. */
function canonical(number: string): string {
  const plain = number.replace(/(\.[0-9]*?)0+$/, '$1').replace(/\.$/, '');
  return plain === '-0' ? '0' : plain;
}

describe('the time that a schema takes', () => {
  const seconds = (schema: JsonObject): number => {
    const started = process.cpuUsage();
    const result = checkSchema(JSON.stringify(schema), TOPIC);
    expect(typeof result.ok).toBe('boolean');
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1e6;
  };
  const numbered = (count: number, make: (index: number) => JsonObject) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, make(index)]));
  const of = ($defs: JsonObject, field: JsonObject = { $ref: '#/$defs/a0' }) =>
    topicSchema({ required: [], properties: { v: field }, $defs });
  const to = (index: number): JsonObject => ({ $ref: `#/$defs/a${index}` });

  it.each<[string, JsonObject]>([
    [
      'allOf of two that are allOf of two, and so on',
      of(numbered(40, (n) => (n === 39 ? { minLength: 1 } : { allOf: [to(n + 1), to(n + 1)] }))),
    ],
    [
      'anyOf of two that are anyOf of two, and so on',
      of(numbered(40, (n) => (n === 39 ? { minLength: 1 } : { anyOf: [to(n + 1), to(n + 1)] }))),
    ],
    [
      'conditions of conditions',
      of(numbered(40, (n) => (n === 39 ? { minLength: 1 } : { then: to(n + 1), if: to(n + 1), else: to(n + 1) }))),
    ],
    [
      'two members each of which has two, and so on',
      of(
        numbered(40, (n) =>
          n === 39 ? { type: 'string' } : { type: 'object', properties: { l: to(n + 1), r: to(n + 1) } },
        ),
      ),
    ],
    ['a member of the same kind', of({ a0: { type: 'object', properties: { next: to(0), other: to(0) } } })],
    [
      'lists of lists of two kinds',
      of(numbered(40, (n) => (n === 39 ? {} : { type: 'array', items: to(n + 1), contains: to(n + 1) }))),
    ],
    [
      '2,000 variants',
      of(
        {},
        { oneOf: Array.from({ length: 2_000 }, (_, n) => ({ type: 'object', properties: { kind: { const: n } } })) },
      ),
    ],
    [
      '2,000 parts',
      of(
        {},
        { allOf: Array.from({ length: 2_000 }, (_, n) => ({ properties: { [`m${n % 100}`]: { minLength: n } } })) },
      ),
    ],
    [
      '5,000 closed parts',
      of(
        {},
        {
          allOf: Array.from({ length: 5_000 }, (_, n) => ({
            properties: { [`m${n % 100}`]: {} },
            additionalProperties: false,
          })),
        },
      ),
    ],
    [
      '10,000 references to one',
      topicSchema({
        required: [],
        properties: numbered(10_000, () => ({ $ref: '#/$defs/x' })),
        $defs: { x: { type: 'string' } },
      }),
    ],
  ])('of %s ends soon', (_name, schema) => {
    expect(seconds(schema)).toBeLessThan(6);
  });
});

describe('references that lead back', () => {
  it.each([
    ['to themselves', { $ref: '#/$defs/one' }],
    ['within lists', { type: 'array', items: { allOf: [{ $ref: '#/$defs/one' }] } }],
    ['by a condition', { type: 'array', contains: { if: { $ref: '#/$defs/two' } } }],
  ])('%s are refused: %j', (_name, field) => {
    const $defs = { one: { allOf: [{ $ref: '#/$defs/one' }] }, two: { not: { $ref: '#/$defs/two' } } };
    const result = checkSchema(JSON.stringify({ ...withField('a', field), $defs }));
    expect(result.ok ? [] : result.problems.filter(({ severity }) => severity === undefined)).toMatchObject([
      { code: 'REF_LOOP' },
    ]);
  });

  it('by way of a member are taken, and the value is kept as one from there on', () => {
    const tree = { type: 'object', properties: { name: { type: 'string' }, child: { $ref: '#/$defs/tree' } } };
    const result = checkSchema(JSON.stringify({ ...withField('a', { $ref: '#/$defs/tree' }), $defs: { tree } }));
    expect(
      result.ok ? result.schema.columns.slice(-2).map(({ column, opaque }) => [column, opaque]) : result.problems,
    ).toEqual([
      ['a__name', false],
      ['a__child', true],
    ]);
  });
});
