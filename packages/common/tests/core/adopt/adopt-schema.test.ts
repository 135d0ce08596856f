import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { adoptSchema } from '../../../src/core/adopt/adopt-schema';
import { MENDS } from '../../../src/core/adopt/mends';
import { topicOfFile } from '../../../src/core/adopt/topic-of-file';
import type { JsonObject } from '../../../src/core/json/value';
import { isTopicName } from '../../../src/core/topic';

const HEADER = { $schema: 'https://json-schema.org/draft/2020-12/schema', 'x-topic': 'tank.level', 'x-version': 1 };

function adopt(document: JsonObject, strength: 'certain' | 'accepting' | 'dropping' = 'dropping') {
  const { text, check, changes } = adoptSchema(JSON.stringify(document), { topic: 'tank.level', strength });
  return {
    document: JSON.parse(text) as JsonObject,
    ok: check.ok,
    changes: changes.filter(({ kind }) => kind !== 'header').map(({ kind, pointer }) => `${kind} ${pointer}`),
  };
}

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });

describe('adoptSchema', () => {
  it('changes no character of a schema that is accepted', () => {
    const text =
      `${JSON.stringify({ ...HEADER, ...object({ a: { type: 'number', maximum: 3 } }) }, null, 3)}\n\n`.replace(
        '3\n',
        '3.0\n',
      );
    expect(adoptSchema(text, { topic: 'tank.level', strength: 'dropping' })).toMatchObject({
      text,
      changes: [],
      check: { ok: true },
    });
  });

  it('writes the header that is missing in front, and says so', () => {
    const { text, check, changes } = adoptSchema(
      '{\n  "type": "object",\n  "properties": { "a": { "type": "string" } }\n}\n',
      {
        topic: 'tank.level',
        version: 4,
        strength: 'header',
      },
    );
    expect(check.ok).toBe(true);
    expect(text.split('\n').slice(1, 5)).toEqual([
      '  "$schema": "https://json-schema.org/draft/2020-12/schema",',
      '  "x-topic": "tank.level",',
      '  "x-version": 4,',
      '  "type": "object",',
    ]);
    expect(changes.map(({ kind, pointer }) => [kind, pointer])).toEqual([
      ['header', '/$schema'],
      ['header', '/x-topic'],
      ['header', '/x-version'],
    ]);
  });

  it('leaves out a field that can be no column, and its name in required', () => {
    const properties = {
      ok: { type: 'string' },
      '': { type: 'string' },
      '--': { type: 'integer' },
      received_at__day: { type: 'string' },
    };
    const { document, ok } = adopt({ ...HEADER, ...object(properties, { required: ['', 'ok', '--'] }) });
    expect(ok).toBe(true);
    expect(document).toMatchObject({ required: ['ok'] });
    expect(Object.keys(document['properties'] as JsonObject)).toContain('ok');
    expect(Object.keys(document['properties'] as JsonObject)).not.toContain('');
    expect(Object.keys(document['properties'] as JsonObject)).not.toContain('--');
  });

  it('gives one of two fields that share a column up, and says which', () => {
    const { document, ok, changes } = adopt({
      ...HEADER,
      ...object({ temp: { type: 'number' }, Temp: { type: 'number' } }),
    });
    expect({ ok, changes }).toEqual({ ok: true, changes: ['left out /properties/Temp'] });
    expect(document['properties']).toEqual({ temp: { type: 'number' } });
  });

  it('corrects words that are certainly misspelt, and no others, where nothing may be left out', () => {
    const misspelt = { type: 'string', maxLenght: 3, Pattern: '^a', min_length: 1 };
    const { document, changes } = adopt({ ...HEADER, ...object({ a: misspelt }) }, 'certain');
    expect(document['properties']).toEqual({ a: { type: 'string', maxLength: 3, pattern: '^a', minLength: 1 } });
    expect(changes).toHaveLength(3);
    const beside = { type: 'integer', minimum: 1, minimun: 2 };
    expect(adopt({ ...HEADER, ...object({ a: beside }) }, 'certain')).toMatchObject({
      ok: false,
      changes: [],
      document: { properties: { a: beside } },
    });
  });

  it('weakens nothing where only certain mends are asked for', () => {
    const strict = fc.constantFrom<JsonObject>(
      { $ref: 'https://example.com/a.json' },
      { type: 'string', pattern: '(a+)+$' },
      { type: 'string', $dynamicRef: '#a' },
      { type: 'integer', minimum: 5, maximum: 1 },
      { type: 'string', maxLenght: 2 },
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', '--', ''), strict, { noNullPrototype: true }),
        (properties) => {
          const { document, changes } = adopt({ ...HEADER, ...object(properties) }, 'certain');
          expect(JSON.stringify(document)).toBe(
            JSON.stringify({ ...HEADER, ...object(properties) }).replaceAll('maxLenght', 'maxLength'),
          );
          for (const change of changes) expect(change).toMatch(/^corrected /);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('names words that cannot be enforced once for each node, and says why', () => {
    const field = {
      type: 'string',
      pattern: '(a+)+$',
      unevaluatedItems: false,
      anyOf: [{ minLength: 1 }, { const: '' }],
    };
    const { changes, document } = adopt({ ...HEADER, ...object({ a: field, b: { ...field } }) }, 'accepting');
    expect(changes.slice(0, 4).sort()).toEqual([
      'not enforced /properties/a/pattern',
      'not enforced /properties/a/unevaluatedItems',
      'not enforced /properties/b/pattern',
      'not enforced /properties/b/unevaluatedItems',
    ]);
    for (const name of ['a', 'b']) {
      const words = (document['properties'] as Record<string, JsonObject>)[name]?.['x-not-enforced'] as string[];
      expect([...words].sort()).toEqual(['pattern', 'unevaluatedItems']);
    }
  });

  it('wraps a payload without fields as the member value, with its draft and its references', () => {
    const text =
      '{"$schema": "http://json-schema.org/draft-04/schema#", "x-topic": "a", "maxProperties": 1.0, "definitions": {"n": {}}}';
    const problem = { code: 'NO_FIELDS', path: '/properties', message: 'it names no field', hint: '' };
    const context = { document: JSON.parse(text) as JsonObject, topic: 'a', maxColumns: 500 };
    const mended = MENDS['NO_FIELDS']?.[0]?.of(problem, context);
    const wrapped = mended?.rewrite?.(text) ?? '';
    expect(JSON.parse(wrapped)).toEqual({
      $schema: HEADER.$schema,
      'x-topic': 'a',
      type: 'object',
      required: ['value'],
      properties: {
        value: {
          id: 'urn:lean-ops:a',
          $schema: 'http://json-schema.org/draft-04/schema#',
          maxProperties: 1,
          definitions: { n: {} },
        },
      },
    });
    expect(wrapped).toContain('"maxProperties": 1.0');
  });

  it('reads past what programs differ in: a byte order mark, and members that stand twice', () => {
    const text = `\uFEFF{"type": "object", "properties": {"a": {"type": "number"}, "a": {"type": "string"}}}`;
    const { check, text: adopted, changes } = adoptSchema(text, { topic: 'tank.level', strength: 'dropping' });
    expect(check.ok).toBe(true);
    expect(JSON.parse(adopted)).toMatchObject({ properties: { a: { type: 'string' } } });
    expect(changes.map(({ note }) => note)).toEqual(
      expect.arrayContaining(['the byte order mark is gone', expect.stringContaining('"a" stands more than once')]),
    );
  });

  it.each(['', '[1]', '{"a": }', 'true', '{"a": '.repeat(3_000)])('gives back what is no schema: %.20s', (text) => {
    expect(adoptSchema(text, { strength: 'dropping' })).toMatchObject({ text, changes: [], check: { ok: false } });
  });

  it('ends for every document, and says of each what the check says', () => {
    const words = fc.constantFrom(
      'type',
      'properties',
      'required',
      'x-topic',
      '$ref',
      'pattern',
      'items',
      'allOf',
      'enum',
      'x-cde',
      'a',
      'minimum',
    );
    const { node } = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>('object', 'string', '(a+)+$', 3, true, null, [], ['a', 'a']),
        fc.array(tie('node'), { maxLength: 2 }),
        fc.dictionary(words, tie('node'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(words, node, { noNullPrototype: true }), (document) => {
        const once = adoptSchema(JSON.stringify(document), { topic: 'a', strength: 'dropping' });
        if (!once.check.ok) return;
        expect(adoptSchema(once.text, { topic: 'a', strength: 'dropping' })).toMatchObject({
          text: once.text,
          changes: [],
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe('topicOfFile', () => {
  it.each([
    ['schemas/tank.level/schema.json', 'tank.level'],
    ['Camera_schema.json', 'camera'],
    ['store/abc Supply-Plan.schema.json', 'abc-supply-plan'],
    ['2.json', 'topic'],
    ['schema.json', 'topic'],
  ])('of %s is %s', (file, topic) => {
    expect(topicOfFile(file)).toBe(topic);
  });

  it('is always one', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (file) => isTopicName(topicOfFile(file))));
  });
});
