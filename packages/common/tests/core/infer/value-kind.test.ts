import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../src/core/json/value';
import { kindOf } from '../../../src/core/infer/value-kind';
import type { ValueKind } from '../../../src/core/infer/profile-statements';
import { groups } from '../validation-sql/verdict-table';

/** The forms whose values a plain field takes. */
const TAKES: Readonly<Record<string, (kind: ValueKind) => boolean>> = {
  integer: (kind) => kind === 'int' || kind === 'bigint',
  number: (kind) => ['int', 'bigint', 'number'].includes(kind) || kind.startsWith('fixed:'),
  boolean: (kind) => kind === 'boolean',
  array: (kind) => kind === 'array',
  'date-time': (kind) => kind === 'date-time',
  date: (kind) => kind === 'date',
};

/** A number that an integer may be, and whose sender means one that has fractions: it is drafted as a number. */
const OTHER_FORM = /^"?-?\d+(?:\.\d+|e|E)/;

/** The groups of a field that has nothing but a type, or a type and a format. */
const plain = groups.flatMap(({ name, properties, cases, normal_form: isNormalForm }) => {
  if (isNormalForm === true) return [];
  const { type, format, ...more } = (properties['v'] ?? {}) as JsonObject;
  const takes = TAKES[String(format ?? type)];
  if (takes === undefined || Object.keys(more).length > 0 || Object.keys(properties).length > 1) return [];
  const values = cases.flatMap(({ value, json_schema: standard, pipeline }) =>
    value === undefined || /^(?:null|\{[^]*)$/.test(value) || (type === 'integer' && OTHER_FORM.test(value))
      ? []
      : [
          {
            text: value.startsWith('"') ? (JSON.parse(value) as string) : value,
            valid: (pipeline ?? standard) === 'valid',
          },
        ],
  );
  return [{ name, takes, values }];
});

describe('kindOf', () => {
  it.each(plain)('takes for $name what the pipeline takes', ({ takes, values }) => {
    const found = values.map(({ text }) => ({ text, valid: takes(kindOf(text)) }));
    expect(found).toEqual(values);
  });

  it('is held to many verdicts of every type', () => {
    expect(plain.flatMap(({ values }) => values).length).toBeGreaterThan(150);
    expect(new Set(plain.map(({ takes }) => takes)).size).toBe(Object.keys(TAKES).length);
  });

  it.each<[string, ValueKind]>([
    ['123456789', 'int'],
    ['-12345678', 'int'],
    ['1234567890', 'bigint'],
    ['9223372036854775808', 'number'],
    ['-12.50', 'fixed:2:2'],
    ['1e3', 'number'],
    ['{}', 'empty'],
    ['[', 'text'],
    ['', 'text'],
  ])('%s is %s', (text, kind) => {
    expect(kindOf(text)).toBe(kind);
  });
});
