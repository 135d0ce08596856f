import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isObject, valueAt, type JsonObject } from '../../../src/core/json/value';
import { toCurrentDialect } from '../../../src/core/dialects/translate';
import { arraysAndObjects } from './nodes';
import { compileAs, DRAFTS, URIS } from './ajv-of-drafts';
import { draftSchema, value } from './arbitraries';

const CURRENT = URIS[2020];
const translated = (schema: JsonObject) => toCurrentDialect(schema).document;
const codes = (schema: JsonObject) =>
  toCurrentDialect(schema).problems.map(({ code, path, severity = 'error' }) => `${severity} ${code} ${path}`);

describe.each(DRAFTS)('a schema of draft %s', (draft) => {
  it('says of every value what it said in its own words', () => {
    fc.assert(
      fc.property(draftSchema(draft), fc.array(value, { minLength: 1, maxLength: 12 }), (schema, values) => {
        const [before, after] = [compileAs(draft, schema), compileAs(2020, translated(schema))];
        expect(values.map((one) => after(one))).toEqual(values.map((one) => before(one)));
      }),
    );
  });

  it('is translated once: a translated one has nothing left to translate', () => {
    fc.assert(
      fc.property(draftSchema(draft), (schema) => {
        const once = translated(schema);
        const twice = toCurrentDialect(once);
        expect(twice).toMatchObject({ document: once, changed: false, problems: [] });
      }),
    );
  });

  it('stays as it is, and each object and array of the copy says where it is from', () => {
    fc.assert(
      fc.property(draftSchema(draft), (schema) => {
        const text = JSON.stringify(schema);
        const { document, origin } = toCurrentDialect(schema);
        expect(JSON.stringify(schema)).toBe(text);
        const theirs = new Set(arraysAndObjects(schema));
        for (const node of arraysAndObjects(document)) {
          const from = valueAt(schema, origin(node) ?? 'nowhere');
          expect(theirs).not.toContain(node);
          expect(theirs).toContain(from);
          expect(Array.isArray(from)).toBe(Array.isArray(node));
        }
      }),
    );
  });
});

describe('toCurrentDialect', () => {
  it.each([
    ['http://json-schema.org/draft-04/schema#', 4],
    ['https://json-schema.org/draft-04/schema', 4],
    ['http://json-schema.org/draft-05/schema#', 4],
    ['http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#', 4],
    ['http://json-schema.org/draft-06/schema', 6],
    ['https://json-schema.org/draft-07/schema#', 7],
    ['http://json-schema.org/draft/2019-09/schema#', 2019],
    ['https://json-schema.org/draft/2020-12/schema#', 2020],
  ] as const)('reads %s as draft %s', (uri, draft) => {
    // Each of these words says something in some of the drafts only.
    const schema = { $schema: uri, const: 1, if: true, minContains: 1, prefixItems: [true], additionalItems: false };
    const kept = Object.keys(translated(schema)).filter((word) => word !== '$schema');
    expect(kept).toEqual(
      { 4: [], 6: ['const'], 7: ['const', 'if'], 2019: ['const', 'if', 'minContains'] }[draft as number] ?? [
        'const',
        'if',
        'minContains',
        'prefixItems',
      ],
    );
  });

  it.each([undefined, 'http://json-schema.org/schema#', 'https://json-schema.org/draft/schema'])(
    'reads old spellings where $schema is %s',
    (uri) => {
      const schema = {
        ...(uri !== undefined && { $schema: uri }),
        definitions: { n: { minimum: 1, exclusiveMinimum: true } },
        dependencies: { a: ['b'] },
        properties: { a: { items: [{ $ref: '#/definitions/n' }], additionalItems: false, $ref: '#/definitions/n' } },
      };
      expect(toCurrentDialect(schema)).toMatchObject({
        document: {
          $schema: CURRENT,
          $defs: { n: { exclusiveMinimum: 1 } },
          dependentRequired: { a: ['b'] },
          properties: { a: { prefixItems: [{ $ref: '#/$defs/n' }], items: false, $ref: '#/$defs/n' } },
        },
        changed: true,
        problems: [],
      });
    },
  );

  it('refuses a dialect that it does not know, and one that is too old', () => {
    expect(codes({ $schema: 'https://example.com/mine' })).toEqual(['error UNKNOWN_DIALECT /$schema']);
    expect(codes({ $schema: 2020 })).toEqual(['error UNKNOWN_DIALECT /$schema']);
    expect(codes({ $schema: 'http://json-schema.org/draft-03/schema#' })).toEqual([
      'error UNSUPPORTED_DIALECT /$schema',
    ]);
  });

  it('translates where schemas stand, and nowhere else', () => {
    const words = { definitions: {}, id: 'x', items: [1], $ref: '#/definitions/x', exclusiveMinimum: true };
    const schema = {
      $schema: URIS[7],
      properties: { items: { type: 'array' }, definitions: { const: words }, id: { enum: [words] } },
      default: words,
      examples: [words],
      'x-theirs': words,
    };
    expect(translated(schema)).toEqual({ ...schema, $schema: CURRENT });
  });

  it('warns of what the draft ignores beside a reference, and keeps what says nothing of values', () => {
    const schema = {
      $schema: URIS[7],
      properties: { a: { title: 'A', $ref: '#/definitions/t', 'x-cde': true, type: 'string', minLength: 1 } },
      definitions: { t: { type: 'string' } },
    };
    expect(valueAt(translated(schema), '/properties/a')).toEqual({ title: 'A', $ref: '#/$defs/t', 'x-cde': true });
    expect(codes(schema)).toEqual(['warning REF_SIBLINGS /properties/a/type']);
  });

  it('warns of words that say nothing', () => {
    expect(codes({ $schema: URIS[4], const: 1 })).toEqual(['warning NOT_IN_DRAFT /const']);
    expect(codes({ $schema: URIS[4], exclusiveMaximum: true })).toEqual(['warning WITHOUT_EFFECT /exclusiveMaximum']);
    expect(codes({ $schema: URIS[7], items: {}, additionalItems: false })).toEqual([
      'warning WITHOUT_EFFECT /additionalItems',
    ]);
    expect(codes({ $schema: URIS[7], items: {}, additionalItems: true })).toEqual([]);
  });

  it('refuses "required": true of a field, and leaves false out', () => {
    const schema = { properties: { a: { required: true }, b: { required: false }, required: { type: 'string' } } };
    expect(codes(schema)).toEqual(['error REQUIRED_IN_FIELD /properties/a/required']);
    expect(translated(schema)['properties']).toEqual({ a: {}, b: {}, required: { type: 'string' } });
  });

  it('refuses "dependencies" beside the words that it became', () => {
    expect(codes({ dependencies: { a: ['b'] }, dependentRequired: { a: ['c'] } })).toEqual([
      'error MIXED_DRAFTS /dependencies',
    ]);
  });

  it('says what the author wrote for a member of another name', () => {
    const { document, origin } = toCurrentDialect({
      $schema: URIS[4],
      id: 'http://example.com/a#',
      minimum: 1,
      exclusiveMinimum: true,
      maximum: 3,
      items: [{}],
      additionalItems: { type: 'string' },
    });
    expect(
      ['$id', 'exclusiveMinimum', 'maximum', 'prefixItems', 'items'].map((word) => origin(document, word)),
    ).toEqual(['/id', '/minimum', '/maximum', '/items', '/additionalItems']);
    expect(origin(document['items'] as object)).toBe('/additionalItems');
    expect(origin({})).toBeUndefined();
  });

  it('makes an identifier that is a name an anchor, and drops those that say nothing', () => {
    const schema = {
      $schema: URIS[7],
      $id: 'http://example.com/root.json',
      properties: {
        a: { $id: '#name' },
        b: { $id: '#/properties/b' },
        c: { $id: 'c.json#' },
        d: { $ref: '#', $id: 'd' },
      },
    };
    expect(translated(schema)).toEqual({
      $schema: CURRENT,
      $id: 'http://example.com/root.json',
      properties: { a: { $anchor: 'name' }, b: {}, c: { $id: 'c.json' }, d: { $ref: '#' } },
    });
  });

  it('keeps definitions apart that have one name under two words', () => {
    const schema = {
      $defs: { a: { type: 'string' } },
      definitions: { a: { type: 'number' } },
      properties: { s: { $ref: '#/$defs/a' }, n: { $ref: '#/definitions/a' } },
    };
    expect(translated(schema)).toMatchObject({
      $defs: { a: { type: 'string' }, a_2: { type: 'number' } },
      properties: { s: { $ref: '#/$defs/a' }, n: { $ref: '#/$defs/a_2' } },
    });
  });

  it('reads a resource inside a file by its own dialect', () => {
    const schema = {
      $schema: CURRENT,
      properties: { a: { $ref: 'old.json#/definitions/n' }, b: { minimum: 1, exclusiveMinimum: 2 } },
      $defs: {
        old: {
          $schema: URIS[4],
          id: 'old.json',
          definitions: { n: { minimum: 1, exclusiveMinimum: true }, m: { $ref: '#/definitions/n', type: 'string' } },
        },
      },
    };
    expect(translated(schema)).toEqual({
      ...schema,
      properties: { a: { $ref: 'old.json#/$defs/n' }, b: { minimum: 1, exclusiveMinimum: 2 } },
      $defs: { old: { $id: 'old.json', $defs: { n: { exclusiveMinimum: 1 }, m: { $ref: '#/$defs/n' } } } },
    });
  });

  it('makes plain references of dynamic ones where there is nothing to choose from', () => {
    const tree = { $schema: URIS[2019], $recursiveAnchor: true, properties: { next: { $recursiveRef: '#' } } };
    expect(translated(tree)).toEqual({ $schema: CURRENT, properties: { next: { $ref: '#' } } });
    const node = { $schema: CURRENT, $dynamicAnchor: 'node', properties: { next: { $dynamicRef: '#node' } } };
    expect(translated(node)).toMatchObject({ properties: { next: { $ref: '#node' } } });
  });

  it('keeps recursion dynamic where another resource can be meant', () => {
    const schema = {
      $schema: URIS[2019],
      $id: 'http://example.com/strict',
      $recursiveAnchor: true,
      $ref: 'tree',
      required: ['name'],
      $defs: {
        tree: { $id: 'tree', $recursiveAnchor: true, properties: { next: { $recursiveRef: '#' } } },
        list: { $id: 'list', properties: { next: { $recursiveRef: '#' } } },
      },
    };
    const values = [{ name: 1 }, { name: 1, next: {} }, { name: 1, next: { name: 2 } }, {}];
    const [before, after] = [compileAs(2019, schema), compileAs(2020, translated(schema))];
    expect(values.map((one) => after(one))).toEqual(values.map((one) => before(one)));
    expect(valueAt(translated(schema), '/$defs/list/properties/next')).toEqual({ $ref: '#' });
  });

  it('takes members of any name, and a file full of references', () => {
    const odd = JSON.parse(
      '{"properties": {"__proto__": {"items": [{}]}, "a": {"$ref": "#/__proto__"}}, "__proto__": {}}',
    );
    const copy = isObject(odd) ? translated(odd) : {};
    expect(JSON.stringify(copy)).toContain('"__proto__":{"prefixItems":[{}]}');
    const many = Array.from({ length: 5_000 }, (_, index) => `n${index}`);
    const started = Date.now();
    translated({
      things: Object.fromEntries(many.map((name) => [name, { thing: {} }])),
      anyOf: many.map((name) => ({ $ref: `#/things/${name}/thing` })),
    });
    expect(Date.now() - started).toBeLessThan(2_000);
  });
});
