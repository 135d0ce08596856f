import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../../../src/core/json/value';
import { checkSchema, type SchemaCheckOptions } from '../../../src/core/composition/check';
import { budget, topicSchema, withField } from '../../../src/testing';

const check = (schema: unknown, options?: SchemaCheckOptions) => checkSchema(JSON.stringify(schema), options);
const problemsOf = (schema: unknown, options?: SchemaCheckOptions) => {
  const result = check(schema, options);
  return result.ok ? [] : result.problems.map(({ code, path: pointer }) => `${code} ${pointer}`);
};
const text = (member: string): string => JSON.stringify(topicSchema()).replace('"phase":', member);

describe('the sample schemas', () => {
  const root = path.resolve(__dirname, '../../../../../schemas');
  const topics = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());

  it.each(topics.map(({ name }) => name))('%s passes, for its own topic', (topic) => {
    const result = checkSchema(readFileSync(path.join(root, topic, 'schema.json'), 'utf8'), { topic });
    expect(result).toMatchObject({ ok: true, schema: { topic } });
  });
});

describe('checkSchema', () => {
  it('suggests nothing that would be refused as well, nor a name of other letters', () => {
    const result = check(
      withField('tags', { type: 'array', items: { type: 'string', min: 1 } }, topicSchema({ required: ['x', 'a'] })),
    );
    const hints = new Map(result.ok ? [] : result.problems.map(({ path: pointer, hint }) => [pointer, hint]));
    expect(hints.get('/properties/tags/items/min')).toBe('did you mean "minLength"?');
    expect(hints.get('/required/0')).toBe('add it to "properties", or correct the spelling');
  });

  it('gives the columns of a schema, typed and in the order of the file', () => {
    const result = check(topicSchema());
    const columns = result.ok
      ? result.schema.columns.map((c) => [c.column, c.athenaType, c.cde, c.required])
      : result.problems;
    expect(columns).toEqual([
      ['device_id', 'string', true, true],
      ['measured_at', 'timestamp', true, true],
      ['temperature', 'decimal(10,2)', false, false],
      ['phase', 'int', false, false],
      ['meta__gps__lat', 'double', false, false],
      ['meta__gps__lon', 'double', false, false],
    ]);
  });

  it.each([
    ['not JSON', '{ "a": ', 'NOT_JSON'],
    ['a comment', '// hello\n{}', 'NOT_JSON'],
    ['a list', '[]', 'NOT_AN_OBJECT'],
    ['null', 'null', 'NOT_AN_OBJECT'],
    ['nothing', '', 'EMPTY_FILE'],
    ['a byte order mark', '\uFEFF{}', 'BYTE_ORDER_MARK'],
    ['5,000 levels', '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000), 'SCHEMA_TOO_DEEP'],
    ['500,000 lists', '{"a":' + '['.repeat(400_000) + ']'.repeat(400_000) + '}', 'SCHEMA_TOO_DEEP'],
    ['5 MB', JSON.stringify(topicSchema({ description: 'x'.repeat(5_000_000) })), 'SCHEMA_TOO_LARGE'],
  ])('refuses %s', (_name, file, code) => {
    const result = checkSchema(file);
    expect(result.ok ? [] : result.problems.map((problem) => problem.code)).toEqual([code]);
  });

  it.each<[string, unknown, string]>([
    ['an illegal topic', topicSchema({ 'x-topic': 'Climate' }), 'INVALID_TOPIC /x-topic'],
    ['version 0', topicSchema({ 'x-version': 0 }), 'INVALID_VERSION /x-version'],
    ['no topic anywhere', topicSchema({ 'x-topic': undefined }), 'MISSING_KEYWORD /x-topic'],
    ['no fields', topicSchema({ properties: undefined, required: undefined }), 'NO_FIELDS /properties'],
    ['a list for a payload', topicSchema({ type: 'array' }), 'ROOT_TYPE /type'],
    ['what no payload can be', topicSchema({ allOf: [{ type: 'string' }] }), 'ROOT_TYPE '],
    [
      'a remote $ref',
      withField('a', { type: 'string', $ref: 'https://example.com/s.json' }),
      'REMOTE_REF /properties/a/$ref',
    ],
    ['a misspelt keyword', withField('a', { type: 'string', maxlength: 3 }), 'UNKNOWN_KEYWORD /properties/a/maxlength'],
    ['oneOf of nothing', topicSchema({ oneOf: [] }), 'INVALID_SCHEMAS /oneOf'],
    [
      'a payload with names of any kind',
      topicSchema({ patternProperties: { '^a': {} } }),
      'UNENFORCED_KEYWORD /patternProperties',
    ],
    ['a field called type', withField('type', 'string'), 'INVALID_FIELD /properties/type'],
    [
      'a misspelt format',
      withField('a', { type: 'string', format: 'date-tiem' }),
      'UNSUPPORTED_FORMAT /properties/a/format',
    ],
    [
      'a critical object',
      withField('a', { type: 'object', 'x-cde': true, properties: { b: { type: 'string' } } }),
      'CDE_ON_OBJECT /properties/a/x-cde',
    ],
    [
      'an enum of another type',
      withField('a', { type: 'integer', enum: [1, '1'] }),
      'ENUM_VALUE_TYPE /properties/a/enum/1',
    ],
    [
      'an x-type of another type',
      withField('a', { type: 'integer', 'x-type': 'float' }),
      'UNSUPPORTED_X_TYPE /properties/a/x-type',
    ],
    [
      'decimal(39,0)',
      withField('a', { type: 'number', 'x-type': 'decimal(39,0)' }),
      'DECIMAL_PRECISION /properties/a/x-type',
    ],
    [
      'decimal(2,3)',
      withField('a', { type: 'number', 'x-type': 'decimal(2,3)' }),
      'DECIMAL_SCALE /properties/a/x-type',
    ],
    [
      'an empty range',
      withField('a', { type: 'integer', minimum: 3, exclusiveMaximum: 3 }),
      'EMPTY_RANGE /properties/a/minimum',
    ],
    [
      'an unsafe pattern',
      withField('a', { type: 'string', pattern: '^(a+)+$' }),
      'PATTERN_UNSAFE /properties/a/pattern',
    ],
    ['an unknown required name', topicSchema({ required: ['nobody'] }), 'REQUIRED_UNKNOWN /required/0'],
    ['names that differ by case', withField('Phase', { type: 'string' }), 'COLUMN_COLLISION /properties/Phase'],
    [
      'names that flatten alike',
      withField('meta__gps__lat', { type: 'string' }),
      'COLUMN_COLLISION /properties/meta__gps__lat',
    ],
    [
      'a field in the place of a member of an object that is kept as one value',
      topicSchema({
        properties: { attributes: { type: 'object' }, attributes__colour: { type: 'string' } },
        required: [],
        'x-event-time': undefined,
      }),
      'COLUMN_COLLISION /properties/attributes__colour',
    ],
    ['a nameless field', withField('', { type: 'string' }), 'EMPTY_NAME /properties/'],
    [
      'a very long name',
      withField('x'.repeat(256), { type: 'string' }),
      `COLUMN_NAME_TOO_LONG /properties/${'x'.repeat(256)}`,
    ],
    [
      'elements that nothing can judge',
      withField('a', { type: 'array', contains: { type: 'string' }, unevaluatedItems: false }),
      'UNENFORCED_KEYWORD /properties/a/unevaluatedItems',
    ],
  ])('refuses %s', (_name, schema, problem) => {
    expect(problemsOf(schema)).toEqual([problem]);
  });

  it.each<[string, JsonObject, readonly string[], string | undefined]>([
    ['another dialect', topicSchema({ $schema: 'http://json-schema.org/draft-07/schema#' }), [], 'double'],
    ['no version', topicSchema({ 'x-version': undefined }), [], 'double'],
    ['an event without fields', topicSchema({ properties: {}, required: [] }), ['NO_FIELDS /properties'], undefined],
    ['a closed object', topicSchema({ additionalProperties: false }), [], 'double'],
    ['const', withField('a', { type: 'string', const: 'x' }), [], 'string'],
    ['a type and null', withField('a', { type: ['string', 'null'] }), [], 'string'],
    ['whole numbers and others', withField('a', { type: ['integer', 'number', 'null'] }), [], 'double'],
    ['numbers and texts', withField('a', { type: ['number', 'string'] }), [], 'string'],
    ['no type', withField('a', {}), ['TYPE_MISSING /properties/a'], 'string'],
    ['a type that other words imply', withField('a', { maximum: 3 }), ['TYPE_IMPLIED /properties/a'], 'double'],
    [
      'members that variants describe',
      topicSchema({ oneOf: [{ properties: { b: { type: 'string' } } }, { properties: { a: { const: 3 } } }] }),
      [],
      'bigint',
    ],
    ['a field that says nothing', withField('a', true), ['TYPE_MISSING /properties/a'], 'string'],
    ['a field that is null alone', withField('a', { type: 'null' }), [], 'string'],
    [
      'a field that nothing can be',
      withField('a', { type: 'integer', enum: ['1'] }),
      ['NO_VALUE /properties/a'],
      'string',
    ],
    ['a format of texts', withField('a', { type: 'string', format: 'email' }), [], 'string'],
    [
      'a format of nobody',
      withField('a', { type: 'string', format: 'serial' }),
      ['FORMAT_SAYS_NOTHING /properties/a/format'],
      'string',
    ],
    [
      'a bound on a text',
      withField('a', { type: 'string', minimum: 1 }),
      ['KEYWORD_NOT_FOR_TYPE /properties/a/minimum'],
      'string',
    ],
    ['a pattern on a time', withField('a', { type: 'string', format: 'date', pattern: '^2' }), [], 'date'],
    ['an object without fields', withField('a', { type: 'object' }), [], 'string'],
    ['an enum of floats', withField('a', { type: 'number', enum: [1.5] }), [], 'double'],
    ['a bound past 2^53', withField('a', { type: 'integer', maximum: 2 ** 53 }), [], 'bigint'],
    ['a checked array', withField('a', { type: 'array', items: { type: 'string', minLength: 2 } }), [], 'string'],
    [
      'a pattern that may take the square of a text',
      withField('a', { type: 'string', pattern: '[0-9]+$' }),
      ['PATTERN_SLOW /properties/a/pattern'],
      'string',
    ],
    [
      'what is not enforced, with the word of its author',
      withField('a', { type: 'string', format: 'idn-email', 'x-not-enforced': ['format'] }),
      ['NOT_ENFORCED /properties/a/format'],
      'string',
    ],
    [
      'the same, named at the top of the file',
      { ...withField('a', { type: 'string', pattern: '(?=b)a' }), 'x-not-enforced': ['/properties/a/pattern'] },
      ['NOT_ENFORCED /properties/a/pattern'],
      'string',
    ],
  ])('takes %s', (_name, schema, warnings, type) => {
    const result = check(schema);
    expect(result.ok ? [] : result.problems).toEqual([]);
    const told = result.ok ? result.warnings : [];
    expect(told.map(({ code, path: pointer }) => `${code} ${pointer}`)).toEqual(warnings);
    expect(told.every(({ severity, hint }) => severity === 'warning' && hint !== '')).toBe(true);
    expect(result.ok ? result.schema.columns.at(-1)?.athenaType : '').toBe(type);
  });

  it('refuses __proto__ as a field, and keeps its own objects clean', () => {
    const file = text('"__proto__":{"type":"string","minimum":1},"phase":');
    const result = checkSchema(file);
    expect(result.ok ? [] : result.problems.map(({ code, path: pointer }) => `${code} ${pointer}`)).toEqual(
      ['KEYWORD_NOT_FOR_TYPE /properties/__proto__/minimum', 'UNSAFE_NAME /properties/__proto__'].sort((a, b) =>
        a.split(' ')[1]! < b.split(' ')[1]! ? -1 : 1,
      ),
    );
    expect(({} as Record<string, unknown>)['type']).toBeUndefined();
  });

  it('refuses a bound that is no number any more', () => {
    expect(checkSchema(text('"a":{"type":"number","maximum":1e400},"phase":'))).toMatchObject({ ok: false });
  });

  it('refuses a file for another topic', () => {
    expect(problemsOf(topicSchema(), { topic: 'telemetry.energy' })).toEqual(['TOPIC_MISMATCH /x-topic']);
  });

  it('keeps what is past 16 levels as one value, and flattens what is above', () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? { type: 'string' } : { type: 'object', properties: { n: nested(levels - 1) } };
    const lastOf = (schema: JsonObject) => {
      const result = check(schema);
      const [warning] = result.ok ? result.warnings : [];
      const last = result.ok ? result.schema.columns.at(-1) : undefined;
      return [last?.path.length, last?.opaque, warning && `${warning.code} ${warning.path}`];
    };
    expect(lastOf(withField('n', nested(15)))).toEqual([16, false, undefined]);
    expect(lastOf(withField('n', nested(16)))).toEqual([16, true, `KEPT_WHOLE ${'/properties/n'.repeat(16)}`]);
  });

  it('tells every problem of a file at once, each with a hint', () => {
    const fixture = path.resolve(__dirname, '../../../../schema-validator/tests/fixtures/many-problems.json');
    const result = checkSchema(readFileSync(fixture, 'utf8'), { topic: 'telemetry.climate' });
    const problems = result.ok ? [] : result.problems;
    expect(problems.map(({ code, path: pointer }) => `${code} ${pointer}`)).toEqual([
      'INVALID_TOPIC /x-topic',
      'TOPIC_MISMATCH /x-topic',
      'TYPE_MISSING /properties/a',
      'REMOTE_REF /properties/a/$ref',
      'PATTERN_UNSAFE /properties/B/pattern',
      'COLUMN_COLLISION /properties/b',
      'KEYWORD_NOT_FOR_TYPE /properties/c/minimum',
      'INVALID_SCHEMAS /oneOf',
    ]);
    expect(problems.every(({ message, hint }) => message !== '' && hint !== '')).toBe(true);
  });

  it('never throws, whatever the file says', () => {
    const keyword = fc.constantFrom(
      'type',
      'properties',
      'required',
      'enum',
      'pattern',
      'x-type',
      'minimum',
      'items',
      '$schema',
      'x-topic',
      'format',
      '__proto__',
      'constructor',
      'x-cde',
      'maxLength',
      '$ref',
      '$defs',
      '$id',
      '$anchor',
      'allOf',
      'anyOf',
      'oneOf',
      'not',
      'if',
      'then',
      'else',
      'const',
      'prefixItems',
      'contains',
      'multipleOf',
      'additionalProperties',
      'patternProperties',
      'dependentSchemas',
      'dependentRequired',
      'unevaluatedProperties',
      'x-not-enforced',
      'x-flatten',
      'x-undeclared',
      'x-time-zone',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom(
          'object',
          'string',
          'number',
          'array',
          'date',
          'decimal(5,2)',
          '#',
          '#/$defs/$ref',
          '/properties/a',
        ),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(keyword, tie('any'), { maxKeys: 5 }),
      ),
    })).any;
    fc.assert(
      fc.property(fc.dictionary(keyword, value), value, (root, field) => {
        expect(typeof check({ ...topicSchema(), ...root }).ok).toBe('boolean');
        expect(typeof check(withField('a', field)).ok).toBe('boolean');
      }),
      { numRuns: budget({ eachRun: 300, thorough: 3_000 }) },
    );
  });
});
