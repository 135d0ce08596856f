import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { valueAt, type JsonObject } from '../../../src/core/json/value';
import { outsideReferences, resolver } from '../../../src/core/dialects/references';
import { toCurrentDialect } from '../../../src/core/dialects/translate';

const DOCUMENT = {
  $id: 'https://example.com/schemas/root.json',
  properties: {
    a: {},
    'b/c': { $anchor: 'slash', items: { type: 'string' } },
    'd e%': { type: 'number' },
    ü: true,
  },
  $defs: {
    inner: {
      $id: 'inner.json',
      $defs: { a: { $anchor: 'a', type: 'integer' }, other: {} },
      properties: { self: {} },
    },
    temperature: { type: 'number' },
  },
} as const;
const INNER = DOCUMENT.$defs.inner;

const resolve = (ref: string, from: object = DOCUMENT.properties.a, document: JsonObject = DOCUMENT) =>
  resolver(document)(ref, from);
const pointerOf = (ref: string, from?: object): string => {
  const found = resolve(ref, from);
  return found.ok ? found.pointer : `${found.problem.code}: ${found.problem.hint}`;
};

describe('a reference', () => {
  it.each([
    ['#', ''],
    ['', ''],
    ['#/properties/b~1c/items', '/properties/b~1c/items'],
    ['#/properties/d%20e%25', '/properties/d e%'],
    ['#/properties/d e%', '/properties/d e%'],
    ['#/properties/%C3%BC', '/properties/ü'],
    ['#slash', '/properties/b~1c'],
    ['inner.json', '/$defs/inner'],
    ['inner.json#/$defs/a', '/$defs/inner/$defs/a'],
    ['https://example.com/schemas/inner.json#a', '/$defs/inner/$defs/a'],
    ['/schemas/root.json#/$defs/temperature', '/$defs/temperature'],
  ])('%s leads from the root to %s', (ref, pointer) => {
    expect(pointerOf(ref)).toBe(pointer);
    expect(resolve(ref)).toMatchObject({ node: valueAt(DOCUMENT, pointer) });
  });

  it('is read from the resource that it stands in', () => {
    expect(pointerOf('#', INNER.properties.self)).toBe('/$defs/inner');
    expect(pointerOf('#a', INNER.properties.self)).toBe('/$defs/inner/$defs/a');
    expect(pointerOf('root.json', INNER.properties.self)).toBe('');
  });

  it.each([
    ['#/$defs/temprature', 'did you mean "#/$defs/temperature"?'],
    ['#/properties/temperature', 'did you mean "#/$defs/temperature"?'],
    ['#slsh', 'did you mean "#slash"?'],
    ['#/$defs/temperature/type', 'have it lead to an object that is one, under "$defs"'],
    ['#/nowhere/at/all', 'add it under "$defs", or mend the reference'],
    ['inner.json#/$defs/othr', 'did you mean "inner.json#/$defs/other"?'],
  ])('%s leads to nothing', (ref, hint) => {
    expect(pointerOf(ref)).toBe(`REF_UNKNOWN: ${hint}`);
  });

  it('that leads out of the file is refused, with the command that brings it in', () => {
    expect(pointerOf('https://example.com/other.json#/$defs/a')).toContain(
      'lean-ops schema vendor FILE --as https://example.com/other.json',
    );
    expect(resolve('../common/units.json', DOCUMENT.properties.a, { properties: { a: {} } })).toMatchObject({
      ok: false,
      problem: { code: 'REMOTE_REF', message: '"../common/units.json" is not in this file' },
    });
  });

  it('has its problem where the author wrote it', () => {
    const { document, origin } = toCurrentDialect({
      definitions: { a: { $ref: '#/definitions/b' } },
      allOf: [{ $ref: '#/definitions/a' }],
    });
    const from = valueAt(document, '/$defs/a') as object;
    expect(resolver(document, origin)('#/definitions/b', from)).toMatchObject({
      problem: { code: 'REF_UNKNOWN', path: '/definitions/a/$ref' },
    });
  });

  it.each<[string, JsonObject, string]>([
    ['itself', { $ref: '#' }, ''],
    ['itself over others', { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }, '/$defs/a'],
    ['a schema around it', { anyOf: [{ type: 'string' }, { not: { $ref: '#' } }] }, '/anyOf/1/not'],
    ['a condition around it', { if: true, then: { $ref: '#' } }, '/then'],
  ])('that leads to %s without a step into the value is a loop', (_what, document, pointer) => {
    const from = valueAt(document, pointer) as JsonObject;
    expect(resolve(String(from['$ref']), from, document)).toMatchObject({ ok: false, problem: { code: 'REF_LOOP' } });
  });

  it.each<[string, JsonObject, string]>([
    ['a member', { properties: { next: { $ref: '#' } } }, '/properties/next'],
    ['an element', { anyOf: [{ items: { $ref: '#' } }] }, '/anyOf/0/items'],
    ['a "then" without an "if"', { then: { $ref: '#' } }, '/then'],
  ])('may lead back over %s', (_what, document, pointer) => {
    const from = valueAt(document, pointer) as JsonObject;
    expect(resolve('#', from, document)).toMatchObject({ ok: true, pointer: '' });
  });

  it('that reaches a loop and is not in it is none', () => {
    const document = { allOf: [{ $ref: '#/$defs/a' }], $defs: { a: { $ref: '#/$defs/a' } } };
    expect(resolve('#/$defs/a', document.allOf[0], document)).toMatchObject({ ok: true });
    expect(resolve('#/$defs/a', document.$defs.a, document)).toMatchObject({ ok: false });
  });

  it('that leads out of the document is listed with its place and its base', () => {
    const document = {
      $schema: 'http://json-schema.org/draft-04/schema#',
      id: 'https://example.com/a/root.json',
      $ref: 'other.json#/x',
      definitions: { in: { $ref: '#/definitions/in' }, nested: { id: 'b/', items: [{ $ref: 'c.json' }] } },
      enum: [{ $ref: 'no-reference.json' }],
    };
    expect(outsideReferences(document)).toEqual([
      { ref: 'other.json#/x', pointer: '/$ref', base: 'https://example.com/a/root.json' },
      { ref: 'c.json', pointer: '/definitions/nested/items/0/$ref', base: 'https://example.com/a/b/' },
    ]);
  });

  it('of a long chain overflows no stack', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `n${index}`);
    const $defs = Object.fromEntries(names.map((name, index) => [name, { $ref: `#/$defs/n${index + 1}` }]));
    const document = { $ref: '#/$defs/n0', $defs: { ...$defs, n20000: { type: 'string' } } };
    expect(resolve('#/$defs/n0', document, document)).toMatchObject({ ok: true, pointer: '/$defs/n0' });
  });

  it('to any member leads to it, whatever its name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (name, encoded) => {
        const document = { $defs: Object.fromEntries([[name, { type: 'string' }]]) };
        const pointer = `/$defs/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        fc.pre(encoded || !/[%#]/.test(name));
        const fragment = encoded ? pointer.split('/').map(encodeURIComponent).join('/') : pointer;
        expect(resolve(`#${fragment}`, document, document)).toMatchObject({ ok: true, pointer });
      }),
    );
  });
});
