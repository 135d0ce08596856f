import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  hexOf,
  ignoredItem,
  isIgnoring,
  isOperationId,
  readIgnored,
  readOpenErrorAges,
  readReplayVerdict,
  readSelection,
  readValidationSchema,
  replayForSchema,
  replayIdOf,
  replayStatements,
  selectionStatement,
  type IgnoredMark,
  type JsonObject,
  type TopicName,
} from '../../../src/core';
import { topicSchema, withField } from '../../../src/testing';

const LAKE = { databasePrefix: 'lean_ops', bucket: 'lake' };
const TOPIC = 'telemetry.climate' as TopicName;
const UNTIL = new Date('2026-11-30T06:25:00Z');
const DISPOSITIONS = ['clean', 'nulled', 'rejected'] as const;
const PLACES = ['latest', 'superseded'] as const;

function statementsOf(schema: JsonObject, hasCurated = true) {
  const rules = readValidationSchema(JSON.stringify(schema), schema);
  return replayStatements(
    LAKE,
    { topic: TOPIC, until: UNTIL },
    { schema: rules, tableName: 'telemetry_climate', hasCurated },
  );
}

/** Numbers of rows by disposition, the one on record, place and fingerprint. */
const outcomes = fc.array(
  fc.record({
    disposition: fc.constantFrom(...DISPOSITIONS),
    before: fc.constantFrom('rejected', 'nulled'),
    place: fc.constantFrom(...PLACES),
    fingerprint: fc.constantFrom('E1-0000000001', 'E1-0000000002', 'E1-0000000003'),
    rows: fc.integer({ min: 1, max: 100_000 }),
  }),
  { maxLength: 12 },
);

describe('readReplayVerdict', () => {
  it('has each row once: valid, superseded, rejected or nulled', () => {
    const statements = statementsOf(topicSchema());
    expect(statements).toHaveLength(1);
    fc.assert(
      fc.property(outcomes, (all) => {
        const of = (is: (one: (typeof all)[number]) => boolean): number =>
          all.filter(is).reduce((sum, { rows }) => sum + rows, 0);
        const count = (code: string, rows: number) => [code, String(rows), null, String(rows), null];
        const result = [
          count(
            'rows',
            of(() => true),
          ),
          count(
            'rejected',
            of(({ disposition }) => disposition === 'rejected'),
          ),
          count(
            'nulled',
            of(({ disposition }) => disposition === 'nulled'),
          ),
          ...all.map(({ disposition, before, place, fingerprint, rows }) =>
            count(`${disposition} ${before} ${place} ${fingerprint}`, rows),
          ),
        ];
        const verdict = readReplayVerdict(statements, [result]);
        const { rows, valid, superseded, rejected, nulled, restored, mended, exact } = verdict;
        expect(valid + superseded + rejected + nulled).toBe(rows);
        expect(rows).toBe(of(() => true));
        expect(restored).toBeLessThanOrEqual(valid);
        expect(exact).toBe(true);
        const isValid = ({ disposition, place }: (typeof all)[number]): boolean =>
          disposition === 'clean' && place === 'latest';
        expect(valid).toBe(of(isValid));
        expect(mended).toEqual([...new Set(all.filter(isValid).map(({ fingerprint }) => fingerprint))].sort());
      }),
    );
  });

  it('says the most there can be where the schema needs several statements', () => {
    const long = (name: string) => ({
      type: 'string',
      enum: Array.from({ length: 4_000 }, (_, n) => `${name}-${n}-${'x'.repeat(20)}`),
    });
    const schema = ['a', 'b', 'c', 'd'].reduce<JsonObject>(
      (one, name) => withField(name, long(name), one),
      topicSchema(),
    );
    const statements = statementsOf(schema);
    expect(statements.length).toBeGreaterThan(1);
    const result = (clean: number, fingerprint: string) => [
      ['rows', '10', null, '10', '0'],
      [`clean rejected latest ${fingerprint}`, String(clean), null, String(clean), null],
      [`nulled rejected latest ${fingerprint}`, String(10 - clean), null, String(10 - clean), null],
    ];
    const results = statements.map((_, at) => result(10 - at, at === 0 ? 'E1-0000000001' : 'E1-0000000002'));
    const verdict = readReplayVerdict(statements, results);
    expect(verdict).toMatchObject({ rows: 10, valid: 11 - statements.length, exact: false, mended: [] });
  });

  it('has nothing of no rows', () => {
    const counts = { rows: 0, valid: 0, restored: 0, superseded: 0, rejected: 0, nulled: 0, noted: 0 };
    const nothing = { broken: [], mended: [], unjudged: [] };
    expect(readReplayVerdict(statementsOf(topicSchema()), [[]])).toEqual({ ...counts, ...nothing, exact: true });
  });

  it('counts rows that are noted beside those that lose a value', () => {
    const answer = [
      ['rows', '9', null, '9', ''],
      ['nulled', '2', null, '2', ''],
      ['noted', '3', null, '3', ''],
      ['clean rejected latest f1', '4', null, '4', ''],
      ['nulled rejected latest f1', '2', null, '2', ''],
      ['noted rejected latest f1', '3', null, '3', ''],
    ];
    expect(readReplayVerdict(statementsOf(topicSchema()), [answer])).toMatchObject({ valid: 4, nulled: 2, noted: 3 });
  });
});

describe('the statements of a replay', () => {
  it('read no table of the topic but Curated, and that only where there is one', () => {
    const [{ sql }] = statementsOf(topicSchema());
    expect(sql).toContain('LEFT JOIN "lean_ops_curated"."telemetry_climate" c');
    expect(sql).not.toContain('lean_ops_standardized');
    const [alone] = statementsOf(topicSchema(), false);
    expect(alone.sql).not.toContain('lean_ops_curated');
  });

  it('quote whatever they are given', () => {
    const sql = selectionStatement(LAKE, { topic: "o'clock" as TopicName, errorIds: ["a'b"], until: UNTIL });
    expect(sql).toContain("topic_name = 'o''clock'");
    expect(sql).toContain("error_id IN ('a''b')");
    expect(readSelection([['E1-0000000001', 'curated', 't', 'a type', '3', '2', '1']])).toEqual([
      {
        fingerprint: 'E1-0000000001',
        layer: 'curated',
        topic: 't',
        signature: 'a type',
        rows: 3,
        messages: 2,
        gone: 1,
      },
    ]);
    expect(readOpenErrorAges([])).toEqual({ day: 0, week: 0, older: 0, regressed: 0 });
  });
});

describe('a mark of what is ignored', () => {
  const time = fc
    .date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true })
    .map((at) => at.toISOString());
  const marks: fc.Arbitrary<IgnoredMark> = fc.record({
    fingerprint: fc.constant('E1-0000000001'),
    topic: fc.string(),
    by: fc.string(),
    reason: fc.string(),
    since: time,
    until: fc.option(time, { nil: undefined }),
    reopened: fc.option(fc.record({ by: fc.string(), reason: fc.string(), at: time }), { nil: undefined }),
  });

  it('is read as it was written, and counts until its end or until it is taken back', () => {
    fc.assert(
      fc.property(marks, time, (mark, now) => {
        expect(readIgnored(ignoredItem(mark))).toEqual(mark);
        const counts = mark.reopened === undefined && (mark.until === undefined || mark.until > now);
        expect(isIgnoring(mark, Date.parse(now))).toBe(counts);
      }),
    );
  });

  it('is no other item of the table', () => {
    expect(readIgnored(undefined)).toBeUndefined();
    expect(readIgnored({ operation_id: 'topic#a', since: '' })).toBeUndefined();
    expect(readIgnored({ operation_id: 1 })).toBeUndefined();
  });
});

describe('the replay that a schema asks for', () => {
  const asked = {
    ...{ topic: TOPIC, tableName: 'telemetry_climate', version: 2, at: UNTIL, sequencer: '0055' },
    ...{ signatures: ['a type'], valid: 3, until: UNTIL },
  };

  it('has one id for each upload', () => {
    expect(replayIdOf(asked)).toBe(`20261130T062500Z-replay-${hexOf(`${TOPIC} 0055`)}`);
    expect(isOperationId(replayIdOf(asked))).toBe(true);
    expect(replayIdOf({ ...asked, sequencer: '0056' })).not.toBe(replayIdOf(asked));
    expect(replayForSchema(asked, new Date(0)).operationId).toBe(replayIdOf(asked));
  });
});
