import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isBreaking, type SchemaChange } from '../../../src/core/drift/change';
import { compareSchemas } from '../../../src/core/drift/schema-comparison';
import { schemaChanges } from '../../../src/core/drift/schema-changes';
import type { JsonObject } from '../../../src/core/json/value';
import { readTopicSchema, type Constraints, type TopicSchema } from '../../../src/core/schema/model';
import { modelOf, topicSchema, withField } from '../../../src/testing';
import { compatiblePairs, looserThan, topicSchemas } from '../schema/arbitraries';

const between = (active: JsonObject, candidate: JsonObject): SchemaChange[] =>
  schemaChanges(modelOf(active), modelOf(candidate));
const shown = (changes: readonly SchemaChange[]): string[] =>
  changes.map(({ impact, kind, path }) => `${impact} ${kind} ${path}`);
const compatible = (a: TopicSchema, b: TopicSchema): boolean => !schemaChanges(a, b).some(isBreaking);

describe('schemaChanges', () => {
  it.each([
    [
      'string',
      'keep bigint: Standardized has the text of every value already; or add a new field with the new type beside it',
    ],
    ['boolean', 'keep bigint, and add a new field with the new type beside it'],
  ])('says what to do instead of changing a type to %s', (type, remedy) => {
    const [change] = between(withField('f', { type: 'integer' }), withField('f', { type }));
    expect(change).toMatchObject({ remedy });
  });

  it.each<[string, unknown, unknown, string[]]>([
    [
      'int to bigint',
      { type: 'integer', 'x-type': 'int' },
      { type: 'integer' },
      ['compatible TYPE_CHANGED /properties/f'],
    ],
    [
      'bigint to int',
      { type: 'integer' },
      { type: 'integer', 'x-type': 'int' },
      ['breaking TYPE_CHANGED /properties/f'],
    ],
    [
      'float to double',
      { type: 'number', 'x-type': 'float' },
      { type: 'number' },
      ['compatible TYPE_CHANGED /properties/f'],
    ],
    [
      'more precision',
      { type: 'number', 'x-type': 'decimal(5,2)' },
      { type: 'number', 'x-type': 'decimal(9,2)' },
      ['compatible TYPE_CHANGED /properties/f'],
    ],
    [
      'another scale',
      { type: 'number', 'x-type': 'decimal(5,2)' },
      { type: 'number', 'x-type': 'decimal(9,3)' },
      ['breaking TYPE_CHANGED /properties/f'],
    ],
    ['integer to number', { type: 'integer' }, { type: 'number' }, ['breaking TYPE_CHANGED /properties/f']],
    ['text to list', { type: 'string' }, { type: 'array' }, ['breaking TYPE_CHANGED /properties/f']],
    [
      'text to time',
      { type: 'string' },
      { type: 'string', format: 'date-time' },
      ['breaking TYPE_CHANGED /properties/f'],
    ],
    [
      'a wider range',
      { type: 'integer', minimum: 1 },
      { type: 'integer', minimum: 0 },
      ['compatible CONSTRAINT_CHANGED /properties/f/minimum'],
    ],
    [
      'a narrower range',
      { type: 'integer', maximum: 9 },
      { type: 'integer', maximum: 8 },
      ['breaking CONSTRAINT_CHANGED /properties/f/maximum'],
    ],
    [
      'an open bound closed',
      { type: 'integer', exclusiveMinimum: 0 },
      { type: 'integer', minimum: 0 },
      ['compatible CONSTRAINT_CHANGED /properties/f/minimum'],
    ],
    [
      'one more value',
      { type: 'string', enum: ['a'] },
      { type: 'string', enum: ['b', 'a'] },
      ['compatible CONSTRAINT_CHANGED /properties/f/enum'],
    ],
    [
      'one value less',
      { type: 'string', enum: ['a', 'b'] },
      { type: 'string', enum: ['a'] },
      ['breaking CONSTRAINT_CHANGED /properties/f/enum'],
    ],
    ['the same values', { type: 'string', enum: ['a', 'b'] }, { type: 'string', enum: ['b', 'a'] }, []],
    ['minLength 0', { type: 'string' }, { type: 'string', minLength: 0 }, []],
    [
      'another pattern',
      { type: 'string', pattern: '^a' },
      { type: 'string', pattern: '^[ab]' },
      ['breaking CONSTRAINT_CHANGED /properties/f/pattern'],
    ],
    [
      'no pattern',
      { type: 'string', pattern: '^a' },
      { type: 'string' },
      ['compatible CONSTRAINT_CHANGED /properties/f'],
    ],
    [
      'critical from now on',
      { type: 'string' },
      { type: 'string', 'x-cde': true },
      ['breaking CONSTRAINT_CHANGED /properties/f/x-cde'],
    ],
    [
      'no longer critical',
      { type: 'string', 'x-cde': true },
      { type: 'string' },
      ['compatible CONSTRAINT_CHANGED /properties/f/x-cde'],
    ],
    [
      'a description',
      { type: 'string' },
      { type: 'string', description: 'd' },
      ['compatible ANNOTATION_CHANGED /properties/f'],
    ],
  ])('tells of %s', (_name, before, after, changes) => {
    expect(shown(between(withField('f', before), withField('f', after)))).toEqual(changes);
  });

  describe('of a renamed field', () => {
    const meta = { type: 'object', properties: { n: { type: 'string' } } };
    const wide = withField('meta', {
      type: 'object',
      properties: { ...meta.properties, t: { type: 'integer', 'x-type': 'int' } },
    });
    const as = (field: JsonObject): JsonObject => {
      const schema = withField('meta', meta);
      return { ...schema, properties: { ...(schema['properties'] as JsonObject), temp_c: field } };
    };
    const int = { type: 'integer', 'x-type': 'int' };

    it('says that the column goes on under the new name', () => {
      const changes = between(wide, as({ ...int, 'x-renamed-from': 'meta.t' }));
      expect(shown(changes)).toEqual(['compatible COLUMN_RENAMED /properties/temp_c/x-renamed-from']);
      expect(changes[0]).toMatchObject({ column: 'temp_c', before: 'meta__t', after: 'temp_c' });
    });

    it('compares the rest of the field as if it had its new name before', () => {
      expect(shown(between(wide, as({ type: 'integer', 'x-renamed-from': 'meta.t', title: 'T' })))).toEqual([
        'compatible COLUMN_RENAMED /properties/temp_c/x-renamed-from',
        'compatible TYPE_CHANGED /properties/temp_c',
        'compatible ANNOTATION_CHANGED /properties/temp_c',
      ]);
      expect(shown(between(wide, as({ type: 'string', 'x-renamed-from': 'meta.t' })))).toEqual([
        'compatible COLUMN_RENAMED /properties/temp_c/x-renamed-from',
        'breaking TYPE_CHANGED /properties/temp_c',
      ]);
      expect(shown(between(wide, as({ ...int, 'x-cde': true, 'x-renamed-from': 'meta.t' })))).toEqual([
        'compatible COLUMN_RENAMED /properties/temp_c/x-renamed-from',
        'breaking CONSTRAINT_CHANGED /properties/temp_c/x-cde',
      ]);
    });

    it('calls a field removed that another one only looks like', () => {
      expect(shown(between(wide, as(int)))).toEqual([
        'compatible COLUMN_ADDED /properties/temp_c',
        'breaking COLUMN_REMOVED /properties/meta/properties/t',
      ]);
    });

    it('wants all names that the field had, in their order', () => {
      const once = as({ ...int, 'x-renamed-from': 'meta.t' });
      const again = (names: unknown) => {
        const schema = as(int);
        const { temp_c: field, ...others } = schema['properties'] as Record<string, JsonObject>;
        return { ...schema, properties: { ...others, celsius: { ...field, 'x-renamed-from': names } } };
      };
      expect(between(once, again(['temp_c', 'meta.t'])).filter(isBreaking)).toEqual([]);
      expect(between(once, again(['skipped', 'temp_c', 'meta.t'])).filter(isBreaking)).toEqual([]);
      for (const names of ['temp_c', ['temp_c', 'meta.t', 'more']]) {
        expect(between(once, again(names))[0]).toMatchObject({
          impact: 'breaking',
          kind: 'COLUMN_RENAMED',
          remedy: 'write "x-renamed-from": ["temp_c","meta.t"]',
        });
      }
    });

    it('takes a name back that the field had, which it looks under first', () => {
      const once = as({ ...int, 'x-renamed-from': 'meta.t' });
      const t = { type: 'integer', 'x-type': 'int', 'x-renamed-from': 'temp_c' };
      const back = withField('meta', { ...meta, properties: { ...meta.properties, t } });
      expect(between(once, back).filter(isBreaking)).toEqual([]);
      expect(between(once, back)[0]).toMatchObject({ kind: 'COLUMN_RENAMED', before: 'temp_c', after: 'meta__t' });
    });

    it('lets no version take former names back, or claim them later', () => {
      const once = as({ ...int, 'x-renamed-from': 'meta.t' });
      expect(between(once, as(int))).toMatchObject([
        { kind: 'CONSTRAINT_CHANGED', path: '/properties/temp_c', remedy: 'keep "x-renamed-from": "meta.t"' },
      ]);
      expect(between(as(int), once)).toMatchObject([
        {
          kind: 'CONSTRAINT_CHANGED',
          before: 'x-renamed-from none',
          after: 'x-renamed-from meta.t',
          impact: 'breaking',
        },
      ]);
      expect(between(once, { ...once, 'x-version': 9 })).toEqual([]);
    });

    it('adds a field whose former names no version had', () => {
      expect(shown(between(as({ type: 'string' }), withField('meta', meta)))).toContain(
        'breaking COLUMN_REMOVED /properties/temp_c',
      );
      expect(shown(between(withField('meta', meta), as({ ...int, 'x-renamed-from': 'meta.t' })))).toEqual([
        'compatible COLUMN_ADDED /properties/temp_c',
      ]);
    });

    it('keeps the field that x-event-time names, as the table is partitioned by it', () => {
      const time = { type: 'string', format: 'date-time', 'x-cde': true };
      const before = { ...withField('at', time), 'x-event-time': 'at' };
      const after = { ...withField('time', { ...time, 'x-renamed-from': 'at' }), 'x-event-time': 'time' };
      expect(shown(between(before, after)).filter((one) => one.startsWith('breaking'))).toEqual([
        'breaking KEYWORD_CHANGED /x-event-time',
      ]);
    });
  });

  it.each([
    ['drops', {}, 'has no more'],
    ['retypes', { at: { type: 'string' } }, 'gives another type'],
    [
      'renames',
      { time: { type: 'string', format: 'date-time', 'x-cde': true, 'x-renamed-from': 'at' } },
      'has no more',
    ],
  ])('accepts no reason where the version %s the column that the table is partitioned by', (_, fields, what) => {
    const stamp = { type: 'string', format: 'date-time', 'x-cde': true };
    const before = { ...withField('at', stamp), 'x-event-time': 'at' };
    const own: JsonObject = { ...(topicSchema()['properties'] as JsonObject), other: stamp, ...fields };
    const after = { ...topicSchema(), 'x-version': 2, 'x-event-time': 'other', properties: own };
    expect(compareSchemas(modelOf(before), modelOf(after), 'a reason').problems).toEqual([
      expect.objectContaining({ code: 'PARTITION_COLUMN', message: expect.stringContaining(what) }),
    ]);
    const kept = { ...after, properties: { ...own, at: stamp } };
    expect(compareSchemas(modelOf(before), modelOf(kept), 'a reason').problems).toEqual([]);
  });

  it('tells of added and removed columns, nested ones too', () => {
    const active = withField('meta', { type: 'object', properties: { rssi: { type: 'integer' } } });
    expect(shown(between(active, topicSchema()))).toEqual([
      'compatible CONSTRAINT_CHANGED /properties/meta/properties/gps',
      'compatible COLUMN_ADDED /properties/meta/properties/gps/properties/lat',
      'compatible COLUMN_ADDED /properties/meta/properties/gps/properties/lon',
      'breaking COLUMN_REMOVED /properties/meta/properties/rssi',
    ]);
  });

  it.each<[string, string, string, string[]]>([
    [
      'an object that becomes required',
      '{"properties":{"meta":{"type":"object","properties":{"lat":{"type":"number"}}}}}',
      '{"required":["meta"],"properties":{"meta":{"type":"object","properties":{"lat":{"type":"number"}}}}}',
      ['breaking CONSTRAINT_CHANGED /properties/meta'],
    ],
    [
      'an object that is no longer required',
      '{"required":["meta"],"properties":{"meta":{"type":"object","properties":{"lat":{"type":"number"}}}}}',
      '{"properties":{"meta":{"type":"object","properties":{"lat":{"type":"number"}}}}}',
      ['compatible CONSTRAINT_CHANGED /properties/meta'],
    ],
    [
      'a flat field that becomes a nested one',
      '{"properties":{"meta__lat":{"type":"number"}}}',
      '{"properties":{"meta":{"type":"object","properties":{"lat":{"type":"number"}}}}}',
      [
        'compatible CONSTRAINT_CHANGED /properties/meta',
        'compatible ANNOTATION_CHANGED /properties/meta/properties/lat',
      ],
    ],
    [
      'a nested field that becomes a flat one',
      '{"properties":{"meta":{"type":"object","properties":{"lat":{"type":"number"}}}}}',
      '{"properties":{"meta__lat":{"type":"number"}}}',
      ['compatible ANNOTATION_CHANGED /properties/meta__lat', 'compatible CONSTRAINT_CHANGED /properties/meta'],
    ],
    [
      'a field that was required where its object is, and now is in every row',
      '{"properties":{"meta":{"type":"object","required":["lat"],"properties":{"lat":{"type":"number"}}}}}',
      '{"required":["meta__lat"],"properties":{"meta__lat":{"type":"number"}}}',
      [
        'breaking CONSTRAINT_CHANGED /properties/meta__lat',
        'compatible ANNOTATION_CHANGED /properties/meta__lat',
        'compatible CONSTRAINT_CHANGED /properties/meta',
      ],
    ],
    [
      'an object that takes the column of a field',
      '{"properties":{"meta":{"type":"string"}}}',
      '{"properties":{"meta":{"type":"string"},"Meta":{"type":"object","properties":{"n":{"type":"number"}}}}}',
      ['breaking CONSTRAINT_CHANGED /properties/Meta', 'compatible COLUMN_ADDED /properties/Meta/properties/n'],
    ],
    [
      'an object that goes, and whose column then counts as a member of a field',
      '{"properties":{"a":{"type":"string"},"a__b":{"type":"object","properties":{"c":{"type":"string"}}}}}',
      '{"properties":{"a":{"type":"string"},"a__b__c":{"type":"string"}}}',
      ['compatible ANNOTATION_CHANGED /properties/a__b__c', 'breaking CONSTRAINT_CHANGED /properties/a__b'],
    ],
    [
      'a bound past the digits of a double',
      '{"properties":{"f":{"type":"number","x-type":"decimal(38,25)","maximum":0.1000000000000000000002}}}',
      '{"properties":{"f":{"type":"number","x-type":"decimal(38,25)","maximum":0.1000000000000000000001}}}',
      ['breaking CONSTRAINT_CHANGED /properties/f/maximum'],
    ],
    [
      'the digits of a bound that a double does not have, where values are doubles',
      '{"properties":{"f":{"type":"number","maximum":0.1000000000000000000002}}}',
      '{"properties":{"f":{"type":"number","maximum":0.1000000000000000000001}}}',
      [],
    ],
    [
      'the spelling of a number',
      '{"properties":{"f":{"type":"integer","maximum":10,"enum":[1,20e-1]}}}',
      '{"properties":{"f":{"type":"integer","maximum":1.0e1,"enum":[2,1.0]}}}',
      [],
    ],
  ])('tells of %s', (_name, active, candidate, changes) => {
    const model = (text: string) => readTopicSchema(text, JSON.parse(text) as JsonObject);
    expect(shown(schemaChanges(model(active), model(candidate)))).toEqual(changes);
  });

  it('holds a new critical column to be breaking: rows from before cannot have it', () => {
    const [change] = between(topicSchema(), withField('f', { type: 'string', 'x-cde': true }));
    expect(change).toMatchObject({ impact: 'breaking', remedy: 'add it without x-cde' });
  });

  it('takes a promise about event_time back, but not on', () => {
    const promised = topicSchema({ 'x-event-time-stable': true });
    expect(shown(between(promised, topicSchema()))).toEqual(['compatible KEYWORD_CHANGED /x-event-time-stable']);
    expect(shown(between(topicSchema(), promised))).toEqual(['breaking KEYWORD_CHANGED /x-event-time-stable']);
  });

  it('wants a new version for a replay of errors, and takes it back without harm', () => {
    const replaying = topicSchema({ 'x-replay-errors': true });
    expect(shown(between(topicSchema(), replaying))).toEqual(['compatible KEYWORD_CHANGED /x-replay-errors']);
    expect(shown(between(replaying, topicSchema()))).toEqual(['compatible KEYWORD_CHANGED /x-replay-errors']);
  });

  it('wants a new version for a backfill, and takes it back without harm', () => {
    const filling = topicSchema({ 'x-backfill': true });
    expect(shown(between(topicSchema(), filling))).toEqual(['compatible KEYWORD_CHANGED /x-backfill']);
    expect(shown(between(filling, topicSchema()))).toEqual(['compatible KEYWORD_CHANGED /x-backfill']);
  });

  it.each<[string, JsonObject, JsonObject, string]>([
    ['declared later', {}, { 'x-event-time': 'measured_at' }, "only a topic's first version can declare it"],
    ['taken away', { 'x-event-time': 'measured_at' }, {}, 'keep x-event-time at the field of the column measured_at'],
    [
      'moved to another field',
      { 'x-event-time': 'measured_at' },
      { 'x-event-time': 'meta.sent' },
      'keep x-event-time at the field of the column measured_at',
    ],
  ])(
    'holds an event time that is %s to be breaking: the table keeps its partitioning',
    (_name, before, after, remedy) => {
      const time = { type: 'string', format: 'date-time', 'x-cde': true };
      const schema = withField('meta', { type: 'object', properties: { sent: time } });
      const changes = between({ ...schema, ...before }, { ...schema, ...after });
      expect(shown(changes)).toEqual(['breaking KEYWORD_CHANGED /x-event-time']);
      expect(changes[0]).toMatchObject({ remedy: expect.stringContaining(remedy) as unknown });
    },
  );

  it('lets the field that holds the event time be spelt another way, as long as its column stays', () => {
    const of = (name: string) => {
      const schema = topicSchema({ 'x-event-time': name, required: [] });
      const { measured_at: field, ...others } = schema['properties'] as JsonObject;
      return { ...schema, properties: { ...others, [name]: field } };
    };
    expect(shown(between(of('measured_at'), of('Measured-At')))).toEqual([
      'compatible ANNOTATION_CHANGED /properties/Measured-At',
    ]);
  });

  it('finds no change between a schema and itself, in whatever order', () => {
    fc.assert(
      fc.property(topicSchemas, (schema) => {
        const reordered = { ...schema, version: schema.version + 1, columns: [...schema.columns].reverse() };
        expect(schemaChanges(schema, reordered)).toEqual([]);
      }),
    );
  });

  it('finds the same changes both ways, and each breaking one comes with a remedy', () => {
    fc.assert(
      fc.property(topicSchemas, topicSchemas, (a, b) => {
        const forth = schemaChanges(a, b);
        const back = schemaChanges(b, a);
        expect(forth.length).toBe(back.length);
        for (const change of forth) {
          expect(change.sentence).not.toBe('');
          if (isBreaking(change)) expect(change.remedy).not.toBe('');
        }
      }),
    );
  });

  it('lets compatible changes compose', () => {
    const triples = compatiblePairs.chain(([a, b]) => looserThan(b).map((c) => [a, b, c] as const));
    fc.assert(
      fc.property(triples, ([a, b, c]) => {
        expect([compatible(a, b), compatible(b, c), compatible(a, c)]).toEqual([true, true, true]);
      }),
    );
  });

  it('calls a change of constraints compatible only if every value that passed still passes', () => {
    const passes = (value: number | string, c: Constraints): boolean =>
      typeof value === 'string'
        ? value.length >= Number(c.minLength ?? 0) &&
          value.length <= Number(c.maxLength ?? Infinity) &&
          (c.enum?.includes(JSON.stringify(value)) ?? true) &&
          (c.pattern === undefined || new RegExp(c.pattern, 'u').test(value))
        : value >= Number(c.minimum ?? -Infinity) &&
          value <= Number(c.maximum ?? Infinity) &&
          value > Number(c.exclusiveMinimum ?? -Infinity) &&
          value < Number(c.exclusiveMaximum ?? Infinity);
    const values = ['', 'a', 'b', 'c', 'ab', 'abc', 'abcd', 'abcde', -1, 0, 0.5, 1, 2, 2.5, 3, 4, 5];
    fc.assert(
      fc.property(topicSchemas, topicSchemas, (a, b) => {
        const changes = schemaChanges(a, b);
        for (const after of b.columns) {
          const before = a.columns.find(({ column }) => column === after.column);
          const breaks = changes.some((change) => change.column === after.column && isBreaking(change));
          if (before === undefined || breaks) continue;
          for (const value of values) {
            expect(!passes(value, before.constraints) || passes(value, after.constraints)).toBe(true);
          }
        }
      }),
    );
  });
});
