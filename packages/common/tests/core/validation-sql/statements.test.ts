import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../src/core/json/value';
import { effectOf } from '../../../src/core/validation-sql/rules';
import { dataVerdict } from '../../../src/core/validation-sql/results';
import { validationStatements, ValidationTooLongError } from '../../../src/core/validation-sql/statements';
import { rescuedRowsStatement } from '../../../src/core/validation-sql/stored-texts';
import { readValidationSchema } from '../../../src/core/validation-sql/validation-schema';

const ENVELOPE = ['message_id', 'ingested_at', 'rescued_data'];

function schemaOf(properties: JsonObject) {
  const text = JSON.stringify({ type: 'object', 'x-topic': 'a', 'x-version': 1, properties });
  return readValidationSchema(text, JSON.parse(text) as JsonObject);
}

/** The statement for a payload with more than fields. */
function statementOfRoot(root: JsonObject, columns: readonly string[] = []) {
  const document = { type: 'object', 'x-topic': 'a', 'x-version': 1, ...root };
  const table = { database: 'd', table: 'a', columns: [...ENVELOPE, ...columns], rescued: false };
  const schema = readValidationSchema(JSON.stringify(document), document);
  return validationStatements(schema, table, { since: undefined, samples: 1 })[0];
}

function statements(properties: JsonObject, columns: readonly string[], rescued = false, active?: JsonObject) {
  const table = { database: 'p_standardized', table: 'a', columns: [...ENVELOPE, ...columns], rescued };
  const options = { since: '2026-11-16T10:00:00.000000Z', samples: 2 };
  return validationStatements(schemaOf(properties), table, options, active && schemaOf(active));
}

describe('validationStatements', () => {
  it('writes one SELECT: texts to values, values to broken rules, rules to counts', () => {
    const [{ sql, rules }, ...others] = statements({ n: { type: 'integer', maximum: 5.5, 'x-cde': true } }, ['n']);
    expect(others).toEqual([]);
    expect(sql).toBe(
      String.raw`WITH texts AS (SELECT "message_id", "ingested_at", "n" FROM "p_standardized"."a" WHERE "ingested_at" >= '2026-11-16T10:00:00.000000Z'),
prepared AS (SELECT *, CASE WHEN regexp_like("n", '\A-?(?:0|[1-9][0-9]*)\z') OR NOT regexp_like("n", '\A-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?\z') THEN NULL WHEN regexp_replace(replace(replace(split_part(lower("n"), 'e', 1), '-', ''), '.', ''), '\A0+', '') = '' THEN '0e0' ELSE CASE WHEN "n" LIKE '-%' THEN '-' ELSE '' END || reverse(regexp_replace(reverse(regexp_replace(replace(replace(split_part(lower("n"), 'e', 1), '-', ''), '.', ''), '\A0+', '')), '\A0+', '')) || 'e' || CAST(CASE WHEN regexp_like("n", '[eE]') THEN CAST(TRY_CAST(split_part(lower("n"), 'e', 2) AS integer) AS bigint) ELSE 0 END - coalesce(length(split_part(replace(split_part(lower("n"), 'e', 1), '-', ''), '.', 2)), 0) + length(regexp_replace(replace(replace(split_part(lower("n"), 'e', 1), '-', ''), '.', ''), '\A0+', '')) - length(regexp_replace(reverse(regexp_replace(replace(replace(split_part(lower("n"), 'e', 1), '-', ''), '.', ''), '\A0+', '')), '\A0+', '')) AS varchar) END AS "$p0" FROM texts),
typed AS (SELECT *, CASE WHEN regexp_like("n", '\A-?(?:0|[1-9][0-9]*)\z') THEN TRY_CAST("n" AS bigint) WHEN regexp_like("$p0", '\A-?[0-9]{1,19}e[0-9]{1,2}\z') THEN TRY_CAST(TRY_CAST("$p0" AS decimal(38,0)) AS bigint) END AS "$v0" FROM prepared),
validated AS (SELECT coalesce("message_id", '') AS id, coalesce("ingested_at", '') AS at, filter(ARRAY[CASE WHEN "n" IS NULL THEN '0|' END, CASE WHEN "n" IS NOT NULL AND "$v0" IS NULL THEN '1|' || substr("n", 1, 60) END, CASE WHEN "$v0" > 5 THEN '2|' || substr("n", 1, 60) END], x -> x IS NOT NULL) AS c0, CASE WHEN "n" IS NULL THEN 0 ELSE 1 END AS f0 FROM typed),
checked AS (SELECT id, at, f0, flatten(ARRAY[filter(ARRAY['rows|', CASE WHEN cardinality(c0) > 0 THEN 'rejected|' WHEN FALSE THEN 'nulled|' END], x -> x IS NOT NULL), c0]) AS items FROM validated)
SELECT split_part(item, '|', 1) AS code, count(*) AS n, array_join(max_by(to_hex(to_utf8(id)) || '|' || to_hex(to_utf8(substr(item, strpos(item, '|') + 1))), CASE WHEN item NOT IN ('rows|', 'rejected|', 'nulled|') THEN at || '|' || id END, 2), ',') AS samples, count(*) AS anew, array_join(ARRAY[CAST(bitwise_or_agg(f0) AS varchar)], ',') AS filled
FROM checked CROSS JOIN UNNEST(items) AS u(item) GROUP BY split_part(item, '|', 1)`,
    );
    expect(rules.map(({ column, rule, critical }) => [column, rule, critical])).toEqual([
      ['n', 'required', true],
      ['n', 'type', true],
      ['n', 'maximum', true],
    ]);
  });

  it('reads what has no column from rescued_data, where a row has any', () => {
    const leaf = { type: 'string' };
    const properties = { a: leaf, a__b: leaf, c: { type: 'object', properties: { d: leaf } } };
    const columns = ['a', 'c__e', '_deleted', 'other'];
    const [{ sql }] = statements(properties, columns, true);
    expect(sql.split('\n').slice(0, 3)).toEqual([
      String.raw`WITH stored AS (SELECT "message_id", "ingested_at", "c__e", "a", CASE WHEN "rescued_data" IS NOT NULL THEN TRY(CAST(json_parse("rescued_data") AS map(varchar, varchar))) END AS "$stored" FROM "p_standardized"."a" WHERE "ingested_at" >= '2026-11-16T10:00:00.000000Z'),`,
      String.raw`rescued AS (SELECT *, map_concat("$stored", transform_keys(map_filter("$stored", (k, v) -> substr(k, -9) = '\(column)'), (k, v) -> substr(k, 1, length(k) - 9))) AS "$rescued" FROM stored),`,
      String.raw`texts AS (SELECT "message_id", "ingested_at", "c__e", element_at("$rescued", 'c') AS "c", element_at("$rescued", 'c__d') AS "c__d", coalesce("a", element_at("$rescued", 'a')) AS "a", element_at("$rescued", 'a__b') AS "a__b", CASE WHEN "$rescued" IS NULL THEN '' ELSE ',' || array_join(map_keys(map_filter("$rescued", (k, v) -> v IS NOT NULL AND regexp_like(k, '\A[a-z_][a-z0-9_]*\z') AND length(k) <= 255 AND k NOT IN ('a__b'))), ',') || ',' END AS "$others" FROM rescued),`,
    ]);
    expect(sql).toContain(`CASE WHEN ("a" IS NULL AND strpos("$others", ',a__') > 0) THEN`);
  });

  it('takes a column that the table lacks for NULL where no row has rescued_data', () => {
    const [{ sql }] = statements({ n: { type: 'integer' } }, []);
    expect(sql).toContain('texts AS (SELECT "message_id", "ingested_at", CAST(NULL AS varchar) AS "n" FROM');
  });

  it('looks for rescued_data only where the table can have any', () => {
    const table = { database: 'd', table: 'a', columns: ENVELOPE };
    expect(rescuedRowsStatement(table, '2026')).toBe(
      `SELECT count(*) AS n FROM "d"."a" WHERE "rescued_data" IS NOT NULL AND "ingested_at" >= '2026'`,
    );
    expect(rescuedRowsStatement({ ...table, columns: ['message_id'] }, undefined)).toBeUndefined();
  });

  it('writes texts as they are, whatever they hold', () => {
    const [{ sql }] = statements({ s: { type: 'string', enum: ["it's", 'a\\b', 'a\0b', '|'] } }, ['s']);
    expect(sql).toContain(`"s" NOT IN ('it''s', 'a\\b', concat('a', chr(0), 'b'), '|')`);
  });

  it('compares a decimal with the digits that the file has, not with what JavaScript reads', () => {
    const text =
      '{"type":"object","properties":{"v":{"type":"number","x-type":"decimal(38,20)","maximum":0.10000000000000000001}}}';
    const table = { database: 'd', table: 'a', columns: ['v'], rescued: false };
    const [{ sql }] = validationStatements(readValidationSchema(text, JSON.parse(text) as JsonObject), table, {
      since: undefined,
      samples: 0,
    });
    expect(sql).toContain(`"$v0" > CAST('0.10000000000000000001' AS decimal(38,20))`);
  });

  it('is cut where a statement would be too long, with the critical rules in each part', () => {
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const choices = Array.from({ length: 1_000 }, (_, index) => `choice-${index}`);
    const properties = Object.fromEntries(names.map((name) => [name, { type: 'string', enum: choices }]));
    const parts = statements({ id: { type: 'string', 'x-cde': true }, ...properties }, ['id', ...names]);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.every(({ sql }) => Buffer.byteLength(sql) <= 262_144)).toBe(true);
    expect(parts.every(({ rules }) => rules[0]?.column === 'id')).toBe(true);
    expect(parts.flatMap(({ rules }) => [...new Set(rules.map(({ column }) => column))].slice(1))).toEqual(names);
  });

  it('says which field has rules that fit no statement', () => {
    const choices = Array.from({ length: 40_000 }, (_, index) => `choice-${index}`);
    const write = () => statements({ s: { type: 'string', enum: choices }, t: { type: 'string' } }, ['s', 't']);
    expect(write).toThrow(ValidationTooLongError);
    expect(write).toThrow('the rules of s are longer');
  });

  describe('beside the schema in force', () => {
    const id = { type: 'string', minLength: 1, 'x-cde': true };
    const lines = (sql: string, start: string) => sql.split('\n').filter((line) => line.startsWith(start));

    it('writes a rule that both have once, so that a version like the one before costs next to nothing', () => {
      const choices = Array.from({ length: 1_000 }, (_, index) => `choice-${index}`);
      const fields = Object.fromEntries(
        Array.from({ length: 12 }, (_, index) => [`s${index}`, { type: 'string', enum: choices, 'x-cde': true }]),
      );
      const columns = ['id', ...Object.keys(fields)];
      const [alone] = statements({ id, ...fields, note: { type: 'integer' } }, columns);
      const [both, ...more] = statements({ id, ...fields, note: { type: 'integer' } }, columns, false, {
        id,
        ...fields,
      });
      expect(more).toEqual([]);
      expect(Buffer.byteLength(both.sql) - Buffer.byteLength(alone.sql)).toBeLessThan(500);
    });

    it('has lists by what a rule does under each of the two', () => {
      const before = { id, gone: { type: 'integer', 'x-cde': true }, s: { type: 'string', maxLength: 4 } };
      const after = { id, s: { type: 'string', maxLength: 3 }, added: { type: 'boolean' } };
      const [{ sql, compares, fields }] = statements(after, ['id', 's', 'added', 'gone'], false, before);
      expect({ compares, fields }).toEqual({ compares: true, fields: ['id', 's', 'added'] });
      expect(lines(sql, 'compared')).toEqual([
        'compared AS (SELECT *, coalesce(length("s") > 4, FALSE) AS "$t1" FROM typed),',
      ]);
      const list = (items: string, name: string) => `filter(ARRAY[${items}], x -> x IS NOT NULL) AS ${name}`;
      const [validated] = lines(sql, 'validated');
      for (const one of [
        list(
          `CASE WHEN "id" IS NULL THEN '0|' END, CASE WHEN length("id") < 1 THEN '1|' || substr("id", 1, 60) END`,
          'b0',
        ),
        list(`CASE WHEN (length("s") > 3) AND "$t1" THEN '2|' || substr("s", 1, 60) END`, 'o0'),
        `CASE WHEN (length("s") > 3) AND NOT "$t1" THEN '2*|' || substr("s", 1, 60) END, CASE WHEN "added" IS NOT NULL AND`,
        `THEN '3*|' || substr("added", 1, 60) END], x -> x IS NOT NULL) AS a0`,
        `filter(ARRAY[CASE WHEN "gone" IS NULL THEN 'today|' END, CASE WHEN "gone" IS NOT NULL AND`,
      ])
        expect(validated).toContain(one);
      expect(lines(sql, 'checked')[0]).toContain(
        'CASE WHEN cardinality(b0) + cardinality(t0) > 0 THEN 1 ELSE 0 END AS is_rejected',
      );
    });

    it('reads an object that names a member like one that does not, once the table has the column', () => {
      const gps = (members: readonly string[]) => ({
        type: 'object',
        required: ['lat'],
        properties: Object.fromEntries(members.map((name) => [name, { type: 'string' }])),
      });
      const [{ sql }] = statements({ gps: gps(['lat', 'alt']) }, ['gps__alt', 'gps__lat'], false, {
        gps: gps(['lat']),
      });
      expect(sql).not.toContain('compared AS');
      expect(lines(sql, 'WITH')[0]).toContain(
        'SELECT "message_id", "ingested_at", CAST(NULL AS varchar) AS "gps", "gps__lat", "gps__alt" FROM',
      );
    });

    it('looks for members in rescued_data by the names of each schema', () => {
      const leaf = { type: 'string' };
      const [{ sql }] = statements({ a: leaf, a__b: leaf }, ['a'], true, { a: leaf });
      expect(sql).toContain(`AND k NOT IN ('a__b'))), ',') || ',' END AS "$others"`);
      expect(sql).toContain(`AND length(k) <= 255)), ',') || ',' END AS "$others1"`);
      expect(sql).toContain(`strpos("$others1", ',a__') > 0`);
    });

    it('is cut with the critical rules of both in each part', () => {
      const names = Array.from({ length: 30 }, (_, index) => `s${index}`);
      const choices = (from: number) => Array.from({ length: 1_000 }, (_, index) => `choice-${index + from}`);
      const all = (from: number) =>
        Object.fromEntries(names.map((name) => [name, { type: 'string', enum: choices(from) }]));
      const parts = statements({ id, ...all(0) }, ['id', ...names], false, { id: { ...id, minLength: 2 }, ...all(1) });
      expect(parts.length).toBeGreaterThan(1);
      for (const { sql, compares } of parts) {
        expect(Buffer.byteLength(sql)).toBeLessThanOrEqual(262_144);
        expect(compares).toBe(true);
        expect(sql).toContain(`CASE WHEN length("id") < 2 THEN 'today|' END`);
      }
      expect(parts.flatMap(({ fields }) => fields).filter((name) => name !== 'id')).toEqual(names);
    });
  });
});

describe('a statement for a schema in normal form', () => {
  const integer = { type: 'integer' };
  const rulesOf = ({ rules }: { readonly rules: readonly { readonly column: string; readonly rule: string }[] }) =>
    rules.map(({ column, rule }) => `${column}: ${rule}`);

  it('names the rules that depend on what is inside of JSON text, and judges the others', () => {
    const items = { type: 'array', items: integer, uniqueItems: false };
    const statement = statementOfRoot({ properties: { tags: items, any: { 'x-flatten': false, maxLength: 3 } } });
    expect(rulesOf(statement)).toEqual(['tags: type', 'any: maxLength']);
    expect(statement.unjudged).toEqual([{ column: 'tags', rule: 'items', pointer: '/properties/tags' }]);
  });

  it('names an assertion of the payload that depends on a definition which comes to itself', () => {
    const statement = statementOfRoot({
      properties: { tree: { 'x-flatten': false } },
      anyOf: [{ properties: { tree: { $ref: '#/$defs/node' } } }, { maxProperties: 0 }],
      $defs: { node: { properties: { next: { $ref: '#/$defs/node' } } } },
    });
    expect(statement.unjudged).toEqual([{ column: '$', rule: 'anyOf', pointer: '' }]);
  });

  it('leaves out what x-not-enforced names, by word and by pointer', () => {
    const statement = statementOfRoot({
      properties: { a: { ...integer, minimum: 5, maximum: 7, 'x-not-enforced': ['minimum'] } },
      not: { required: ['a'] },
      'x-not-enforced': ['/not', '/properties/a/maximum'],
    });
    expect(rulesOf(statement)).toEqual(['a: type']);
  });

  it('notes a row that breaks an assertion, and rejects it where a critical field is part of that', () => {
    const root = (cde: boolean) => ({
      properties: { a: { ...integer, 'x-cde': cde }, b: integer },
      anyOf: [{ required: ['a'] }, { $ref: '#/$defs/b' }],
      $defs: { b: { required: ['b'] } },
    });
    const effects = (cde: boolean) =>
      statementOfRoot(root(cde))
        .rules.filter(({ whole }) => whole)
        .map(effectOf);
    expect(effects(false)).toEqual(['noted']);
    expect(effects(true)).toEqual(['rejected']);
    expect(statementOfRoot(root(false)).sql).toContain("THEN 'noted|' END");
    expect(statementOfRoot({ properties: { a: integer } }).sql).not.toContain('noted');
  });

  it.each([
    ['record', []],
    ['note', ['noted']],
    ['reject', ['rejected']],
  ])('says of undeclared members what x-undeclared %s says', (undeclared, expected) => {
    const root = { properties: { a: integer }, additionalProperties: false, 'x-undeclared': undeclared };
    const { sql, rules } = statementOfRoot(root, ['a', 'b__c', 'b__d']);
    expect(rules.filter(({ whole }) => whole).map(effectOf)).toEqual(expected);
    expect(sql.includes('CASE WHEN ("b__c" IS NOT NULL OR "b__d" IS NOT NULL) THEN 1 ELSE 0 END')).toBe(
      undeclared !== 'record',
    );
  });

  it('matches a pattern that takes the square of the length with short texts only', () => {
    const patternOf = (pattern: string) => statementOfRoot({ properties: { a: { type: 'string', pattern } } }).sql;
    expect(patternOf('a+b+$')).toContain('NOT (length("a") > 4096 OR regexp_like("a",');
    expect(patternOf('^a+$')).not.toContain('4096');
  });

  it('takes 20 branches and 10,000 choices, and ends where definitions double what is said', () => {
    const branch = (index: number) => ({ properties: { kind: { const: `kind-${index}` } }, required: ['kind'] });
    const kind = { type: 'string' };
    const branches = Array.from({ length: 20 }, (_, index) => branch(index));
    expect(rulesOf(statementOfRoot({ properties: { kind }, oneOf: branches }))).toContain('$: oneOf');
    const choices = Array.from({ length: 10_000 }, (_, index) => `choice-${index}`);
    expect(rulesOf(statementOfRoot({ properties: { kind: { ...kind, enum: choices } } }))).toContain('kind: enum');
    const doubled = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}` };
        return [`d${index}`, { anyOf: [next, { not: next }] }];
      }),
    );
    const $defs = { ...doubled, d30: { required: ['kind'] } };
    expect(() => statementOfRoot({ properties: { kind }, $defs, anyOf: [{ $ref: '#/$defs/d0' }] })).toThrow(
      new ValidationTooLongError(['$']),
    );
  });
});

describe('dataVerdict', () => {
  const hex = (text: string) => Buffer.from(text).toString('hex').toUpperCase();
  const rule = (column: string, name: 'required' | 'type' | 'minimum', critical: boolean) => ({
    column,
    rule: name,
    critical,
    whole: false,
    pointer: `/properties/${column}`,
  });
  const statementOf = (
    rules: readonly ReturnType<typeof rule>[],
    compares = false,
    fields: readonly string[] = [],
  ) => ({
    sql: '',
    rules,
    unjudged: [],
    compares,
    fields,
    samples: 2,
  });

  it('reads counts and samples, in the order of the rules', () => {
    const statement = statementOf([rule('id', 'required', true), rule('n', 'type', false)]);
    const answer = [
      ['1', '3', `${hex('m,1|é')}|${hex('sev|en')},${hex('m2')}|`, '3', ''],
      ['rows', '10', null, '10', ''],
      ['0', '2', `${hex('m3')}|`, '2', ''],
      ['rejected', '2', '', '2', ''],
      ['nulled', '3', '', '3', ''],
    ];
    expect(dataVerdict([statement], [answer])).toEqual({
      rows: 10,
      rejected: 2,
      nulled: { atLeast: 3, atMost: 3 },
      noted: { atLeast: 0, atMost: 0 },
      change: undefined,
      unjudged: [],
      broken: [
        { ...statement.rules[0], rows: 2, anew: 2, samples: [{ messageId: 'm3', value: null }] },
        {
          ...statement.rules[1],
          rows: 3,
          anew: 3,
          samples: [
            { messageId: 'm,1|é', value: 'sev|en' },
            { messageId: 'm2', value: '' },
          ],
        },
      ],
      filled: new Set(),
    });
  });

  it('says what is new beside the schema in force, and names the messages for which it is new first', () => {
    const statement = statementOf([rule('id', 'required', true), rule('n', 'minimum', false)], true);
    const answer = [
      ['rows', '10', null, '6', ''],
      ['rejected', '3', '', '1', ''],
      ['nulled', '1', '', '1', ''],
      ['nulled*', '3', '', '2', ''],
      ['today', '4', '', '0', ''],
      ['0', '3', `${hex('m1')}|`, '1', ''],
      ['1', '2', `${hex('m2')}|${hex('-1')},${hex('m3')}|${hex('-2')}`, '2', ''],
      ['1*', '3', `${hex('m4')}|${hex('-3')}`, '2', ''],
    ];
    expect(dataVerdict([statement], [answer])).toMatchObject({
      rejected: 3,
      nulled: { atLeast: 4, atMost: 4 },
      change: { rejectedToday: 4, rejectedAnew: 1, accepted: 2, nulledAnew: { atLeast: 2, atMost: 2 } },
      broken: [
        { column: 'id', rows: 3, anew: 1 },
        {
          column: 'n',
          rows: 5,
          anew: 2,
          samples: [
            { messageId: 'm4', value: '-3' },
            { messageId: 'm2', value: '-1' },
          ],
        },
      ],
    });
  });

  it('counts noted rows, and shows no value of an object', () => {
    const statement = statementOf([{ ...rule('$', 'type', false), whole: true }]);
    const answer = [
      ['rows', '9', null, '9', ''],
      ['noted', '4', null, '4', ''],
      ['0', '4', `${hex('m1')}|`, '4', ''],
    ];
    expect(dataVerdict([statement], [answer])).toMatchObject({
      nulled: { atLeast: 0, atMost: 0 },
      noted: { atLeast: 4, atMost: 4 },
      broken: [{ rows: 4, samples: [{ messageId: 'm1', value: null }] }],
    });
  });

  it('adds up the ways in which a column breaks a rule', () => {
    const statement = statementOf([rule('n', 'type', false), rule('n', 'type', false)]);
    const answer = [
      ['rows', '9', null, '9', ''],
      ['0', '2', `${hex('m1')}|`, '2', ''],
      ['1', '3', `${hex('m2')}|${hex('x')}`, '3', ''],
    ];
    expect(dataVerdict([statement], [answer]).broken).toMatchObject([{ rows: 5, anew: 5, samples: [{}, {}] }]);
  });

  it('knows the columns that have a text in any row, from all statements', () => {
    const names = Array.from({ length: 33 }, (_, index) => `c${index}`);
    const parts = [statementOf([], false, names), statementOf([], false, ['x', 'y'])];
    const answer = (filled: string) => [['rows', '2', null, '2', filled]];
    const { filled } = dataVerdict(parts, [answer(`${2 ** 29 + 1},6`), answer('2')]);
    expect([...filled]).toEqual(['c0', 'c29', 'c31', 'c32', 'y']);
  });

  it('gives bounds for nulled rows where several statements counted them', () => {
    const parts = [statementOf([rule('a', 'type', false)], true), statementOf([rule('b', 'type', false)], true)];
    const answer = (nulled: string, anew: string) => [
      ['rows', '10', null, '9', ''],
      ['rejected', '4', null, '4', ''],
      ['nulled', nulled, null, nulled, ''],
      ['nulled*', anew, null, anew, ''],
    ];
    expect(dataVerdict(parts, [answer('3', '2'), answer('0', '3')])).toMatchObject({
      nulled: { atLeast: 5, atMost: 6 },
      change: { rejectedToday: 1, rejectedAnew: 4, accepted: 1, nulledAnew: { atLeast: 3, atMost: 5 } },
    });
  });
});
