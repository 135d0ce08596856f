import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { columnName } from '../../../src/core/schema/columns';
import { inferSchema } from '../../../src/core/infer/draft-schema';
import {
  columnCounts,
  inferStatements,
  oddValues,
  overflowColumns,
  type KindCount,
  type OverflowColumns,
  type ValueKind,
} from '../../../src/core/infer/profile-statements';
import { oddColumns, oddValueNotes } from '../../../src/core/infer/odd-values';
import { checkSchema } from '../../../src/core/composition/check';

const count = (column: string, kind: ValueKind, rows = 100, distinct = 50): KindCount => ({
  column,
  kind,
  rows,
  distinct,
});

const NONE: OverflowColumns = { columns: [], leftOut: 0 };

describe('inferSchema', () => {
  it('gives types, what is always there, objects, and two critical fields', () => {
    const kinds = [
      count('device_id', 'text', 100, 3),
      count('measured_at', 'date-time'),
      count('temp', 'fixed:2:1', 60),
      count('temp', 'int', 40),
      count('price', 'fixed:3:2', 90),
      count('seq', 'bigint'),
      count('on', 'boolean', 90),
      count('meta', 'empty', 10),
      count('meta__gps__lat', 'number', 80),
      count('payload__message_id', 'int', 20),
    ];
    const columns = ['message_id', ...new Set(kinds.map(({ column }) => column)), 'never', 'rescued_data'];
    const { document, notes } = inferSchema('telemetry.climate', 2, columns, NONE, { rows: 100, kinds });
    expect(document).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Telemetry climate',
      'x-topic': 'telemetry.climate',
      'x-version': 2,
      type: 'object',
      required: ['device_id', 'measured_at', 'temp', 'seq'],
      properties: {
        device_id: { type: 'string', 'x-cde': true },
        measured_at: { type: 'string', format: 'date-time', 'x-cde': true },
        temp: { type: 'number' },
        price: { type: 'number', 'x-type': 'decimal(9,2)' },
        seq: { type: 'integer' },
        on: { type: 'boolean' },
        meta: { type: 'object', properties: { gps: { type: 'object', properties: { lat: { type: 'number' } } } } },
        message_id: { type: 'integer', 'x-type': 'int' },
      },
    });
    expect(notes).toEqual([
      'left out, as no row had a value for it: never',
      'device_id and measured_at: proposed as critical (x-cde), so rows without a valid value are rejected',
      'device_id has about 3 different values: an enum may fit',
      expect.stringContaining('price: all values have the same number of decimals'),
      expect.stringContaining('a field with only numbers'),
      expect.stringContaining('names are as in the tables'),
    ]);
    expect(checkSchema(JSON.stringify(document)).ok).toBe(true);
  });

  it('proposes the timestamp that every row has as event time of a first version, and names the others', () => {
    const kinds = [
      count('sent', 'date-time'),
      count('meta__time', 'date-time'),
      count('measured_at', 'date-time'),
      count('seldom_at', 'date-time', 9),
      count('day', 'date'),
    ];
    const columns = kinds.map(({ column }) => column);
    const first = inferSchema('a', 1, columns, NONE, { rows: 100, kinds });
    expect(first.document).toMatchObject({
      'x-event-time': 'measured_at',
      properties: { measured_at: { 'x-cde': true } },
    });
    expect(first.notes[0]).toMatch(
      /^measured_at is proposed as x-event-time \(every row also has sent, meta.time: choose one\)/,
    );
    // Curated's partition of a nested field, and a field that has the name of the partition already.
    const nested = inferSchema('a', 1, [...columns, 'sent_day'], NONE, {
      rows: 100,
      kinds: [count('meta__time', 'date-time'), count('sent', 'date-time'), count('sent_day', 'date')],
    });
    expect(nested.document).toMatchObject({
      'x-event-time': 'meta.time',
      properties: { meta: { properties: { time: { 'x-cde': true } } } },
    });
    for (const { document } of [first, nested]) expect(checkSchema(JSON.stringify(document)).ok).toBe(true);
  });

  it('keeps the event time that the version before declares, and declares none in a later one', () => {
    const kinds = [count('a_at', 'date-time'), count('b_at', 'date-time')];
    const draft = (declared?: string) =>
      inferSchema('a', 2, ['a_at', 'b_at'], NONE, { rows: 100, kinds }, new Map(), declared);
    expect(draft('b_at').document['x-event-time']).toBe('b_at');
    expect(draft().document).not.toHaveProperty('x-event-time');
    expect(draft().notes.join()).not.toContain('x-event-time');
  });

  it('keeps a name whole where what it is part of has values of its own', () => {
    const kinds = [count('a', 'text', 50), count('a__b', 'empty', 30), count('c', 'empty', 5), count('c__d', 'int', 9)];
    const { document } = inferSchema('a', 1, ['a', 'a__b', 'c', 'c__d'], NONE, { rows: 100, kinds });
    expect(document['properties']).toEqual({
      a: { type: 'string' },
      a__b: { type: 'string' },
      c: { type: 'object', properties: { d: { type: 'integer', 'x-type': 'int' } } },
    });
  });

  it('names fields as the producers do, where the table says the path', () => {
    const kinds = ['deviceid', 'meta__gps__lat', 'u6e29u5ea6', 'a_b'].map((column) => count(column, 'text'));
    const paths = new Map([
      ['deviceid', ['deviceId']],
      ['meta__gps__lat', ['Meta', 'gps', 'lat']],
      ['u6e29u5ea6', ['温度']],
    ]);
    const counts = { rows: 100, kinds };
    const { document, notes } = inferSchema(
      'a',
      1,
      kinds.map(({ column }) => column),
      NONE,
      counts,
      paths,
    );
    expect(document['properties']).toMatchObject({
      deviceId: { type: 'string' },
      Meta: { properties: { gps: { properties: { lat: { type: 'string' } } } } },
      温度: { type: 'string' },
      a_b: { type: 'string' },
    });
    expect(notes.at(-1)).toContain('names are as in the tables');
    const known = inferSchema('a', 1, ['deviceid'], NONE, { rows: 100, kinds: kinds.slice(0, 1) }, paths);
    expect(known.notes.join()).not.toContain('names are as in the tables');
    expect(checkSchema(JSON.stringify(document)).ok).toBe(true);
  });

  it('takes the prefix off a name that engines keep, and leaves a column out that still has such a name', () => {
    const columns = ['message_id', '_deleted', '_id', 'payload___deleted'];
    const [statement] = inferStatements({ database: 'd', table: 't', columns, rescued: false }, [], undefined);
    expect(statement?.columns).toEqual(['_id', 'payload___deleted']);
    expect(statement?.sql).not.toContain('"_deleted"');
    const kinds = [count('_id', 'text'), count('payload___deleted', 'boolean', 3)];
    const { document, notes } = inferSchema('a', 1, columns, NONE, { rows: 100, kinds });
    expect(document['properties']).toEqual({ _id: { type: 'string', 'x-cde': true }, _deleted: { type: 'boolean' } });
    expect(notes[0]).toMatch(/^_deleted is left out: query engines reserve that name/);
  });

  it('names fields like members that every object inherits', () => {
    const inherited = ['toString', 'constructor', 'hasOwnProperty', 'valueOf'];
    const paths = new Map(
      inherited.flatMap((name) => ['a', 'b'].map((leaf) => [columnName([name, leaf]), [name, leaf]])),
    );
    for (const known of [paths, undefined]) {
      const kinds = [...paths.keys()].map((column) => count(column, 'text'));
      const { document } = inferSchema('a', 1, [...paths.keys()], NONE, { rows: 100, kinds }, known);
      const fields = Object.entries(document['properties'] as Record<string, { properties: unknown }>);
      const leaves = { a: { type: 'string' }, b: { type: 'string' } };
      const names = inherited.map((name) => (known ? name : name.toLowerCase()));
      expect(fields.map(([name, { properties }]) => [name, properties])).toEqual(names.map((name) => [name, leaves]));
      expect(checkSchema(JSON.stringify(document)).ok).toBe(true);
    }
  });

  it('leaves out what is called like the partition, and says so', () => {
    const kinds = [count('idempotency_key_bucket', 'int'), count('event_time_day', 'date'), count('ts_day', 'date')];
    const columns = kinds.map(({ column }) => column);
    const { document, notes } = inferSchema('a', 1, columns, NONE, { rows: 100, kinds });
    expect(document['properties']).toEqual({ ts_day: { type: 'string', format: 'date' } });
    expect(notes[0]).toMatch(/^idempotency_key_bucket is left out: Curated's partition may have that name/);
    expect(notes[1]).toMatch(/^event_time_day is left out/);
    expect(checkSchema(JSON.stringify(document)).ok).toBe(true);
  });

  it('knows an object whose name engines keep by its members, whose columns begin otherwise', () => {
    const columns = ['payload___deleted', '_deleted__by', 'payload___file', '_file__size'];
    const kinds = [
      count('payload___deleted', 'boolean'),
      count('_deleted__by', 'text'),
      count('_file__size', 'text', 9),
    ];
    const { document, notes } = inferSchema('a', 1, columns, NONE, {
      rows: 100,
      kinds: [...kinds, count('payload___file', 'empty')],
    });
    expect(document['properties']).toEqual({
      _deleted: { type: 'boolean' },
      _deleted__by: { type: 'string' },
      _file: { type: 'object', properties: { size: { type: 'string' } } },
    });
    expect(notes.join()).not.toContain('left out');
  });

  it('has fields for what is in rescued_data only, and says how many it leaves out', () => {
    const overflow = overflowColumns([
      ['object', '100', '3'],
      ['meta__x', '2', '3'],
    ]);
    expect(overflow).toEqual({ columns: ['object', 'meta__x'], leftOut: 1 });
    const kinds = [count('id', 'text'), count('object', 'text'), count('meta__x', 'int', 2)];
    const { document, notes } = inferSchema('a', 1, ['message_id', 'id'], overflow, { rows: 100, kinds });
    expect(document['required']).toEqual(['id', 'object']);
    expect(document['properties']).toMatchObject({
      object: { type: 'string' },
      meta: { properties: { x: { type: 'integer' } } },
    });
    expect(notes[0]).toBe(
      'only in rescued_data, as the table has max_columns columns: object, meta__x; 1 more that fewer rows have are left out',
    );
    expect(overflowColumns([])).toEqual(NONE);
  });

  it('has as many fields as a schema may have, those that most rows have', () => {
    const columns = Array.from({ length: 500 }, (_, index) => `c${index}`);
    const kinds = [...columns.map((name, index) => count(name, 'text', index + 1)), count('object', 'text', 500)];
    const overflow = { columns: ['object'], leftOut: 0 };
    const { document, notes } = inferSchema('a', 1, columns, overflow, { rows: 500, kinds });
    expect(checkSchema(JSON.stringify(document), { topic: 'a' }).ok).toBe(true);
    expect(Object.keys(document['properties'] as object)).toEqual([...columns.slice(1), 'object']);
    expect(notes).toContain('left out, as a schema has at most 500 columns and the fewest rows have these: c0');
  });

  it('passes every check, and ends in the columns it came from, whatever they are called', () => {
    const part = fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^[a-z0-9_]{0,4}$/) },
      { weight: 1, arbitrary: fc.constantFrom('payload', '_deleted', '_pos', '__filename', 'event_time') },
    );
    const names = fc
      .uniqueArray(
        fc.array(part, { minLength: 1, maxLength: 20 }).map((path) => columnName(path)),
        {
          minLength: 1,
          maxLength: 12,
        },
      )
      .filter((all) => all.every((name) => name.length <= 255));
    const kind = fc.constantFrom<ValueKind>('int', 'text', 'empty', 'fixed:40:9', 'array', 'date-time');
    fc.assert(
      fc.property(names, fc.array(kind, { minLength: 12, maxLength: 12 }), (columns, kinds) => {
        const counts = columns.map((column, index) => count(column, kinds[index] ?? 'text'));
        const { document } = inferSchema('a', 1, columns, NONE, { rows: 100, kinds: counts });
        fc.pre(Object.keys(document['properties'] as object).length > 0);
        const check = checkSchema(JSON.stringify(document), { topic: 'a' });
        expect(check.ok ? [] : check.problems).toEqual([]);
        const made = check.ok ? check.schema.columns.map(({ column }) => column) : [];
        const filled = columns.filter((name, index) => kinds[index] !== 'empty' && /[a-z0-9]/.test(name));
        expect(made).toEqual(expect.arrayContaining(filled.filter((name) => name !== '__proto__')));
        expect(new Set(made).size).toBe(made.length);
      }),
    );
  });
});

describe('odd values', () => {
  it('are those that keep a column from the type that most of its values have', () => {
    const kinds = [
      count('level', 'fixed:2:1', 150),
      count('level', 'int', 45),
      count('level', 'text', 1),
      count('name', 'text', 190),
      count('name', 'int', 6),
      count('on', 'boolean', 10),
      count('on', 'int', 9),
      count('ok', 'int', 196),
    ];
    const odd = oddColumns({ rows: 196, kinds });
    expect(odd.map(({ column, most, odd: forms }) => [column, most, forms])).toEqual([
      ['level', 'numbers', ['text']],
      ['on', 'true or false', ['int']],
    ]);
    const values = oddValues(odd, [
      ['0|text|n/a|x', '1'],
      ['1|int|1', '5'],
      ['1|int|0', '2'],
    ]);
    const paths = new Map([['level', ['tank', 'Level']]]);
    expect(oddValueNotes(odd, values, paths)).toEqual([
      'tank.Level is text: 195 of 196 values are numbers; the others: "n/a|x". With "type": "number" the others become NULL',
      'on is text: 10 of 19 values are true or false; the others: "1" (5 times), "0" (2 times), 2 more. With "type": "boolean" the others become NULL',
    ]);
  });
});

describe('inferStatements', () => {
  it('asks for at most 500 columns in statements that Athena takes', () => {
    const columns = Array.from({ length: 500 }, (_, index) => `${'c'.repeat(250)}${index}`);
    const statements = inferStatements(
      { database: 'd', table: 't', columns: ['message_id', ...columns], rescued: false },
      [],
      undefined,
    );
    expect(statements.every(({ sql }) => Buffer.byteLength(sql) <= 262_144)).toBe(true);
    expect(statements.flatMap((one) => one.columns)).toEqual(columns);
  });

  it('counts rows even where there is no column', () => {
    const statements = inferStatements(
      { database: 'd', table: 't', columns: ['message_id'], rescued: false },
      [],
      undefined,
    );
    expect(columnCounts(statements, [[['rows', '', '7', '1']]])).toEqual({ rows: 7, kinds: [] });
  });
});
