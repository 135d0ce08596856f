import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkSchema } from '../../../src/core/composition/check';
import { readJsonSource } from '../../../src/core/json/source-map';
import type { SchemaProblem } from '../../../src/core/problem';
import { topicSchema, withField } from '../../../src/testing';

interface BadSchema {
  readonly file: string;
  readonly about: string;
  readonly topic: string;
  readonly problems: readonly Pick<SchemaProblem, 'code' | 'path' | 'hint'>[];
}

interface TakenSchema {
  readonly file: string;
  readonly about: string;
  readonly topic: string;
  readonly warnings: readonly Pick<SchemaProblem, 'code' | 'path' | 'hint'>[];
}

const ROOT = path.resolve(__dirname, '../../../../../tests/conformance/schemas');
const { cases, taken } = JSON.parse(readFileSync(path.join(ROOT, 'cases.json'), 'utf8')) as {
  cases: BadSchema[];
  taken: TakenSchema[];
};
const read = (file: string, folder = 'bad') => readFileSync(path.join(ROOT, folder, file), 'utf8');

/**
 * Milliseconds of CPU that a check may take: ten times what the slowest text takes on one slow core. It finds work that
 * grows with the square of a text, and does not measure the machine.
 */
const MAX_CPU_MS = 6_000;

/** The problems of a text, after the assertions that hold for every text. */
function problemsOf(text: string, topic?: string): readonly SchemaProblem[] {
  // The time of this process counts and not the clock's, as the machine does other work too.
  const started = process.cpuUsage();
  const result = checkSchema(text, topic === undefined ? {} : { topic });
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1_000).toBeLessThan(MAX_CPU_MS);
  const problems = result.ok ? [] : result.problems;
  // A thousand assertions tell as much as fifty thousand.
  for (const { code, message, hint } of problems.slice(0, 1_000)) {
    expect(code).toMatch(/^[A-Z]+(?:_[A-Z]+)*$/);
    expect(hint).not.toBe('');
    expect(hint).not.toBe(message);
    // This code stands for an error of the meta-schema for which there is no advice.
    expect(code).not.toBe('INVALID_VALUE');
  }
  return problems;
}

describe('the bad schemas', () => {
  it('are all in the index, once', () => {
    const files = cases.map(({ file }) => file).sort();
    expect(files).toEqual(readdirSync(path.join(ROOT, 'bad')).sort());
    expect(files.length).toBeGreaterThanOrEqual(60);
  });

  it.each(cases)('$file: $about', ({ file, topic, problems }) => {
    const text = read(file);
    const found = problemsOf(text, topic);
    expect(found.map(({ code, path: pointer, hint }) => ({ code, path: pointer, hint }))).toEqual(problems);
    const source = readJsonSource(text);
    expect(source.ok).toBe(!['NOT_JSON', 'EMPTY_FILE', 'BYTE_ORDER_MARK'].includes(found[0]?.code ?? ''));
  });
});

describe('the schemas that look bad and are taken', () => {
  it('are all in the index, once', () => {
    expect(taken.map(({ file }) => file).sort()).toEqual(readdirSync(path.join(ROOT, 'taken')).sort());
  });

  it.each(taken)('$file: $about', ({ file, topic, warnings }) => {
    const result = checkSchema(read(file, 'taken'), { topic });
    const found = result.ok ? result.warnings : result.problems;
    expect(found.map(({ code, path: pointer, hint }) => ({ code, path: pointer, hint }))).toEqual(warnings);
    expect(result.ok && checkSchema(result.text, { topic })).toMatchObject({ text: result.ok ? result.text : '' });
  });
});

describe('names that look wrong and are not', () => {
  it.each([
    ['event_time', 'payload__event_time'],
    ['Rescued-Data', 'payload__rescued_data'],
    ['select', 'select'],
    ['order', 'order'],
    ['constructor', 'constructor'],
    ['3d', '_3d'],
    ['größe', 'grosse'],
    ['温度', 'u6e29u5ea6'],
    ['_deleted', 'payload___deleted'],
  ])('%s has the column %s', (name, column) => {
    const result = checkSchema(JSON.stringify(withField(name, { type: 'string' })));
    expect(result.ok ? result.schema.columns.at(-1)?.column : result.problems).toBe(column);
  });
});

describe('numbers that look wrong as doubles and are not', () => {
  it.each([
    ['0.1', '0.1000000000000000000002'],
    ['-9999999999999.9999999999999999', '9999999999999.9999999999999999'],
  ])('values lie between %s and %s', (exclusiveMinimum, maximum) => {
    const field = `{"type":"number","x-type":"decimal(38,25)","exclusiveMinimum":${exclusiveMinimum},"maximum":${maximum}}`;
    const text = JSON.stringify(withField('f', 'FIELD')).replace('"FIELD"', field);
    expect(checkSchema(text)).toMatchObject({ ok: true });
  });

  it.each(['2.0', '2e0', '20e-1'])('%s is a version', (version) => {
    const text = JSON.stringify(topicSchema({ 'x-version': 'VERSION' })).replace('"VERSION"', version);
    expect(checkSchema(text)).toMatchObject({ ok: true, schema: { version: 2 } });
  });
});

describe('schemas too large to keep as files', () => {
  const columns = (count: number, name = 'c') =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, { type: 'string' }]));
  const many = (length: number, item: string) => `{"properties":{${Array.from({ length }, () => item).join(',')}}}`;

  it.each<[string, string, string]>([
    [
      '4,000 columns',
      JSON.stringify(topicSchema({ properties: columns(4_000), required: [] })),
      'TOO_MANY_COLUMNS /properties',
    ],
    [
      '501 columns in nested objects, one of them critical',
      JSON.stringify(
        topicSchema({
          properties: {
            a: { type: 'object', properties: { ...columns(250), c0: { type: 'string', 'x-cde': true } } },
            ...columns(251),
          },
          required: [],
        }),
      ),
      'TOO_MANY_COLUMNS /properties',
    ],
    ['5,000 levels', '{"properties":'.repeat(5_000) + '1' + '}'.repeat(5_000), 'SCHEMA_TOO_DEEP '],
    ['1 MB of lists in lists', '['.repeat(500_000) + ']'.repeat(500_000), 'NOT_AN_OBJECT '],
    ['500,000 levels', '{"a":'.repeat(100_000) + '['.repeat(200_000), 'NOT_JSON '],
    ['5 MB', JSON.stringify(topicSchema({ description: 'x'.repeat(5_000_000) })), 'SCHEMA_TOO_LARGE '],
    ['5 MB that is not JSON', '{'.repeat(5_000_000), 'SCHEMA_TOO_LARGE '],
  ])('%s', (_name, text, problem) => {
    expect(problemsOf(text).map(({ code, path: pointer }) => `${code} ${pointer}`)).toEqual([problem]);
  });

  it('501 columns in nested objects: the object is kept as one', () => {
    const properties = { a: { type: 'object', properties: columns(250) }, ...columns(251) };
    expect(checkSchema(JSON.stringify(topicSchema({ properties, required: [] })))).toMatchObject({
      schema: { columns: { length: 252 } },
      warnings: [{ code: 'KEPT_WHOLE', path: '/properties' }],
    });
  });

  it.each<[string, string]>([
    ['one field 50,000 times', many(50_000, '"a":{"type":"string"}')],
    ['400,000 numbers', `{"examples":[${Array.from({ length: 400_000 }, () => '1').join(',')}]}`],
    ['20,000 misspelt words', `{${Array.from({ length: 20_000 }, (_, i) => `"titel${i}":1`).join(',')}}`],
    [
      '50,000 required names that are not there',
      JSON.stringify(topicSchema({ required: Array.from({ length: 50_000 }, (_, index) => `c${index}`) })),
    ],
    [
      'a pattern of nested groups',
      JSON.stringify({ properties: { a: { pattern: '('.repeat(200) + ')*'.repeat(200) } } }),
    ],
  ])('%s: an answer soon', (_name, text) => {
    expect(problemsOf(text)).not.toEqual([]);
  });
});
