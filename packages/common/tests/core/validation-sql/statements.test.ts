import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../src/core/json/value';
import { dataVerdict } from '../../../src/core/validation-sql/results';
import { validationStatements, ValidationTooLongError } from '../../../src/core/validation-sql/statements';
import { rescuedRowsStatement } from '../../../src/core/validation-sql/stored-texts';
import { readValidationSchema } from '../../../src/core/validation-sql/validation-schema';

const ENVELOPE = ['message_id', 'ingested_at', 'rescued_data'];

function statements(properties: JsonObject, columns: readonly string[], rescued = false) {
  const text = JSON.stringify({ type: 'object', 'x-topic': 'a', 'x-version': 1, properties });
  const table = { database: 'p_standardized', table: 'a', columns: [...ENVELOPE, ...columns], rescued };
  return validationStatements(readValidationSchema(text, JSON.parse(text) as JsonObject), table, {
    since: '2026-11-16T10:00:00.000000Z',
    samples: 2,
  });
}

describe('validationStatements', () => {
  it('writes one SELECT: texts to values, values to broken rules, rules to counts', () => {
    const [{ sql, rules }, ...others] = statements({ n: { type: 'integer', maximum: 5.5, 'x-cde': true } }, ['n']);
    expect(others).toEqual([]);
    expect(sql).toBe(
      String.raw`WITH texts AS (SELECT "message_id", "ingested_at", "n" FROM "p_standardized"."a" WHERE "ingested_at" >= '2026-11-16T10:00:00.000000Z'),
prepared AS (SELECT * FROM texts),
typed AS (SELECT *, CASE WHEN regexp_like("n", '\A-?(?:0|[1-9][0-9]*)\z') THEN TRY_CAST("n" AS bigint) END AS "$v0" FROM prepared),
validated AS (SELECT coalesce("message_id", '') AS id, coalesce("ingested_at", '') AS at, filter(ARRAY[CASE WHEN "n" IS NULL THEN '0|' END, CASE WHEN "n" IS NOT NULL AND "$v0" IS NULL THEN '1|' || substr("n", 1, 60) END, CASE WHEN "$v0" > 5 THEN '2|' || substr("n", 1, 60) END], x -> x IS NOT NULL) AS c0 FROM typed),
found AS (SELECT id, at, flatten(ARRAY[filter(ARRAY['rows|', CASE WHEN cardinality(c0) > 0 THEN 'rejected|' WHEN FALSE THEN 'nulled|' END], x -> x IS NOT NULL), c0]) AS items FROM validated)
SELECT split_part(item, '|', 1) AS code, count(*) AS n, array_join(max_by(to_hex(to_utf8(id)) || '|' || to_hex(to_utf8(substr(item, strpos(item, '|') + 1))), CASE WHEN item NOT IN ('rows|', 'rejected|', 'nulled|') THEN at || '|' || id END, 2), ',') AS samples
FROM found CROSS JOIN UNNEST(items) AS u(item) GROUP BY split_part(item, '|', 1)`,
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
});

describe('dataVerdict', () => {
  const hex = (text: string) => Buffer.from(text).toString('hex').toUpperCase();
  const rule = (column: string, name: 'required' | 'type', critical: boolean) => ({
    column,
    rule: name,
    critical,
    pointer: `/properties/${column}`,
  });

  it('reads counts and samples, in the order of the rules', () => {
    const statement = { sql: '', rules: [rule('id', 'required', true), rule('n', 'type', false)] };
    const answer = [
      ['1', '3', `${hex('m,1|é')}|${hex('sev|en')},${hex('m2')}|`],
      ['rows', '10', null],
      ['0', '2', `${hex('m3')}|`],
      ['rejected', '2', ''],
      ['nulled', '3', ''],
    ];
    expect(dataVerdict([statement], [answer])).toEqual({
      rows: 10,
      rejected: 2,
      nulled: { atLeast: 3, atMost: 3 },
      broken: [
        { ...statement.rules[0], rows: 2, samples: [{ messageId: 'm3', value: null }] },
        {
          ...statement.rules[1],
          rows: 3,
          samples: [
            { messageId: 'm,1|é', value: 'sev|en' },
            { messageId: 'm2', value: '' },
          ],
        },
      ],
    });
  });

  it('gives bounds for nulled rows where several statements counted them', () => {
    const parts = [
      { sql: '', rules: [rule('a', 'type', false)] },
      { sql: '', rules: [rule('b', 'type', false)] },
    ];
    const answer = (nulled: string) => [
      ['rows', '10', null],
      ['rejected', '4', null],
      ['nulled', nulled, null],
    ];
    expect(dataVerdict(parts, [answer('5'), answer('3')]).nulled).toEqual({ atLeast: 5, atMost: 6 });
  });
});
