import { describe, expect, it } from '@jest/globals';
import type { Freshness, HeldTopic, TopicName } from '@lean-ops/common/core';
import { statusText } from '../../src/format/status';
import type { Readings, TopicProgress } from '../../src/status/readings';
import { reportOf } from '../../src/status/report';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const minutesAgo = (minutes: number): number => NOW - minutes * 60_000;
const ok = <T>(value: T) => ({ ok: true, value }) as const;
const FRESH: Freshness = { waiting: [], behind: [], released: [], late: [], oldestMinutes: 0, topicMinutes: {} };

function progress(changes: Partial<TopicProgress> = {}, freshness: Partial<Freshness> = {}): TopicProgress {
  return { topics: 15, unbalanced: [], held: [], proposals: [], ...changes, freshness: { ...FRESH, ...freshness } };
}

function held(topic: string, until?: string): HeldTopic {
  const hold = {
    operationId: '20261121T090000Z-hold-ab12cd',
    by: 'arn:aws:iam::123456789012:user/kim',
    reason: 'merge two sites',
    since: '2026-11-21T09:00:00.000Z',
    until,
    statusBefore: 'READY',
  };
  return { topic, status: 'MAINTENANCE', hold };
}

/** A pipeline in which nothing is wrong; a test names only what it varies. */
function readings(changes: Partial<Readings> = {}): Readings {
  return {
    now: NOW,
    namePrefix: 'lean-ops',
    region: 'eu-central-1',
    defaultTargetMinutes: 60,
    alarms: ok([]),
    cycles: ok([
      { status: 'SUCCEEDED', startedAt: minutesAgo(10), endedAt: minutesAgo(9), cause: undefined },
      { status: 'SUCCEEDED', startedAt: minutesAgo(25), endedAt: minutesAgo(24), cause: undefined },
    ]),
    progress: ok(progress()),
    letters: ok({ reasons: [], more: false }),
    parseErrors: ok([]),
    schemas: ok([]),
    ingest: ok({ waiting: 0, inFlight: 0, oldestSeconds: undefined }),
    ...changes,
  };
}

const CAUSE =
  'Standardized failed: access denied writing lean_ops_ops.cycle_delta (role lean-ops-standardized: glue:UpdateTable)';
const failedCycle = (startedMinutesAgo: number) => ({
  status: 'FAILED',
  startedAt: minutesAgo(startedMinutesAgo),
  endedAt: minutesAgo(startedMinutesAgo - 2),
  cause: CAUSE,
});
const behind = (topic: string, minutes: number, error = 'SchemaError: the active schema has no x-version') => ({
  topic,
  layer: 'curated' as const,
  since: minutesAgo(minutes),
  cycleId: '20261123T101500Z-1a2b3c4d',
  error,
});
const reason = (code: string, count: number, meaning: string) => ({
  code,
  unit: 'message' as const,
  meaning,
  fromFirehose: false,
  count,
  resent: 0,
  discarded: 0,
  topics: [{ topic: '_unknown', count }],
  first: '2026-11-23T10:00:00.000Z',
  last: '2026-11-23T11:00:00.000Z',
});

/** As much as can be wrong at once. */
const TROUBLE = readings({
  alarms: ok([
    {
      name: 'lean-ops-dead-letters',
      since: minutesAgo(5),
      description: 'Messages were dead-lettered. Runbook: docs/runbooks/dead-letters.md',
    },
    {
      name: 'lean-ops-cycle-failed',
      since: minutesAgo(95),
      description: 'A cycle failed. Runbook: docs/runbooks/cycle-failed.md',
    },
  ]),
  cycles: ok([
    failedCycle(15),
    failedCycle(30),
    { status: 'SUCCEEDED', startedAt: minutesAgo(45), endedAt: minutesAgo(44), cause: undefined },
  ]),
  progress: ok(
    progress(
      {
        unbalanced: [
          {
            topic: 'device.status',
            layer: 'standardized',
            at: minutesAgo(200),
            cycleId: 'c',
            error: 'LEDGER_UNBALANCED: the table has 12 rows and should have 10',
          },
        ],
        held: [held('factory.press')],
        proposals: [
          {
            topic: 'telemetry.climate' as TopicName,
            layer: 'curated',
            at: minutesAgo(12),
            cycleId: '20261123T114500Z-1a2b3c4d',
            toCycle: '20261123T113000Z-31df0b9c',
            why: '30 of 40 messages were rejected, and more than 50 % are too many',
          },
        ],
      },
      {
        behind: [behind('telemetry.climate', 90), behind('vehicle.position', 20)],
        late: [{ topic: 'telemetry.climate', layer: 'curated', since: minutesAgo(90), targetMinutes: 60 }],
        oldestMinutes: 90,
      },
    ),
  ),
  letters: ok({
    reasons: [
      reason('NO_TOPIC', 12_400, 'the message names no topic'),
      reason('TOO_LARGE', 16, 'the message is larger than 1,024,000 bytes as a record'),
    ],
    more: true,
  }),
  parseErrors: ok([{ code: 'INVALID_JSON', count: 58, topics: 12 }]),
  schemas: ok([
    {
      topic: 'tank.level',
      state: 'FAILED',
      active: null,
      pending: null,
      failed: {
        code: 'UNKNOWN_KEYWORD',
        message: '"maxlenght" is not a supported keyword',
        since: '2026-11-23T08:00:00Z',
      },
      operatorStatus: null,
    },
  ]),
  ingest: { ok: false, problem: 'not allowed: these credentials need cloudwatch:GetMetricData on metrics.' },
});

describe('the status of a pipeline', () => {
  it.each([80, 100, 160])('fits into %i columns, whatever is wrong', (columns) => {
    const text = statusText(reportOf(TROUBLE), { columns, colour: false });
    expect(text).toMatchSnapshot();
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it('is a few lines when nothing is wrong', () => {
    expect(statusText(reportOf(readings()), { columns: 80, colour: false })).toMatchSnapshot();
  });

  it('says once what keeps it from reading anything, and does not call that well', () => {
    const unread = { ok: false, problem: 'no AWS credentials were found' } as const;
    const areas = { alarms: unread, cycles: unread, progress: unread, letters: unread, parseErrors: unread };
    const blind = readings({ ...areas, schemas: unread, ingest: unread });
    expect(statusText(reportOf(blind), { columns: 100, colour: false })).toBe(
      'lean-ops, eu-central-1, 2026-11-23 12:00 UTC: nothing could be read\n\nCOULD NOT LOOK\n' +
        '  alarms, cycles, topics, schemas, dead letters, parse errors, ingest: no AWS credentials were found\n',
    );
  });

  it('is coloured on a terminal only', () => {
    expect(statusText(reportOf(TROUBLE), { columns: 80, colour: true })).toContain('\u001b[31mPROBLEM');
    expect(statusText(reportOf(TROUBLE), { columns: undefined, colour: false })).not.toContain('\u001b');
  });
});

describe('what counts as wrong', () => {
  const problems = (changes: Partial<Readings>) => reportOf(readings(changes)).problems.map(({ text }) => text);

  it('is the newest cycle that has ended, not an earlier one', () => {
    const succeeded = { status: 'SUCCEEDED', startedAt: minutesAgo(5), endedAt: minutesAgo(4), cause: undefined };
    const running = { status: 'RUNNING', startedAt: minutesAgo(1), endedAt: undefined, cause: undefined };
    expect(problems({ cycles: ok([running, failedCycle(20)]) })).toEqual(['The last cycle failed']);
    expect(problems({ cycles: ok([succeeded, failedCycle(20)]) })).toEqual([]);
    expect(reportOf(readings({ cycles: ok([succeeded, failedCycle(20)]) })).notes).toHaveLength(1);
    expect(problems({ cycles: ok([]) })).toEqual([]);
  });

  it('is RAW that waits past the target of topics, and not RAW that waits for the next cycle', () => {
    const waiting = [{ layer: 'standardized' as const, since: minutesAgo(70), records: 1_200 }];
    const late = Array.from({ length: 15 }, (_, index) => ({
      topic: `t${index}`,
      layer: 'standardized' as const,
      since: minutesAgo(70),
      targetMinutes: 60,
    }));
    expect(problems({ progress: ok(progress({}, { waiting, late, oldestMinutes: 70 })) })).toEqual([
      '1,200 rows of RAW wait for Standardized since 10:50 (1 h 10 min): every topic may be late',
    ]);
    const soon = [{ layer: 'standardized' as const, since: minutesAgo(7), records: 1_200 }];
    expect(problems({ progress: ok(progress({}, { waiting: soon, oldestMinutes: 7 })) })).toEqual([]);
  });

  it('is no dead letter that was sent again, no parse error, and no topic that an operator holds', () => {
    const resent = { ...reason('Iceberg.CommitFailed', 0, 'x'), resent: 500 };
    expect(
      problems({
        letters: ok({ reasons: [resent], more: false }),
        parseErrors: ok([{ code: 'INVALID_JSON', count: 58, topics: 12 }]),
        progress: ok(progress({ held: [held('a'), { topic: 'b', status: 'REBUILDING', hold: undefined }] })),
      }),
    ).toEqual([]);
  });

  it('is no message that is taken within minutes; one that waits for longer is worth knowing', () => {
    const ingest = (oldestSeconds: number | undefined) =>
      reportOf(readings({ ingest: ok({ waiting: 3, inFlight: 1, oldestSeconds }) }));
    expect(ingest(20).well.at(-1)?.text).toBe('4 messages in the queue, the oldest for 20 s');
    expect(ingest(undefined).notes).toEqual([]);
    const { notes, problems: none, well } = ingest(10_800);
    expect(notes).toMatchObject([
      { text: '4 messages wait in the ingest queue, the oldest for 3 h', next: 'docs/runbooks/ingest-age.md' },
    ]);
    expect([...none, ...well].map(({ area }) => area)).not.toContain('ingest');
  });

  it('is a hold past its time, and no topic that was released', () => {
    const released = [{ topic: 'c', layer: 'standardized', since: minutesAgo(20), cycleId: 'c' }] as const;
    const topics = [held('a', '2026-11-23T11:00:00.000Z'), held('b', '2026-11-23T13:00:00.000Z')];
    const report = reportOf(readings({ progress: ok(progress({ held: topics }, { released })) }));
    expect(report.problems).toMatchObject([
      {
        text: '1 topic is held for longer than was said',
        next: 'lean-ops topic status',
        details: { rows: [['a', 'MAINTENANCE', '2026-11-21 09:00', '11:00', 'kim', 'merge two sites']] },
      },
    ]);
    expect(report.notes.map(({ text }) => text)).toEqual([
      '1 topic is held by an operator',
      '1 topic was released, and the next cycle takes what waits',
    ]);
  });

  it('is shown without a time where the registry has none', () => {
    const odd = { code: 'X', message: 'x', since: 'yesterday' };
    const state = {
      topic: 'a',
      state: 'FAILED' as const,
      active: null,
      pending: null,
      failed: odd,
      operatorStatus: null,
    };
    const byHand = [{ topic: 'b', status: 'MAINTENANCE', hold: undefined }];
    const report = reportOf(readings({ schemas: ok([state]), progress: ok(progress({ held: byHand })) }));
    expect(report.problems[0]?.details?.rows).toEqual([['a', 'FAILED', '']]);
    expect(report.notes[0]?.details?.rows).toEqual([['b', 'MAINTENANCE', '', '', '', '']]);
  });

  it('names ten of many topics, and counts the rest', () => {
    const many = Array.from({ length: 700 }, (_, index) => behind(`topic-${index}`, 100 + index));
    const [found] = reportOf(readings({ progress: ok(progress({ topics: 700 }, { behind: many })) })).problems;
    expect(found?.details?.rows).toHaveLength(11);
    expect(found?.details?.rows[0]?.[0]).toBe('topic-699');
    expect(found?.details?.rows.at(-1)?.[0]).toBe('and 690 more');
  });
});
