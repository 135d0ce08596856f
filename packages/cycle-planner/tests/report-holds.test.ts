import { describe, expect, it } from '@jest/globals';
import type { HeldTopic } from '@lean-ops/common/core';
import { recordingLog, recordingMetrics } from '@lean-ops/common/testing';
import { reportOverdueHolds } from '../src/report-holds';

const held = (topic: string): HeldTopic => ({
  topic,
  status: 'MAINTENANCE',
  hold: {
    operationId: '20261130T062500Z-hold-ab12cd',
    by: 'ada',
    reason: 'a new sensor',
    since: '2026-11-30T06:25:00Z',
    until: '2026-11-30T07:00:00Z',
    statusBefore: 'READY',
  },
});

describe('reportOverdueHolds', () => {
  it('counts them, and names some with who holds them', () => {
    const [log, metrics] = [recordingLog(), recordingMetrics()];
    reportOverdueHolds(
      Array.from({ length: 25 }, (_, index) => held(`topic.${index}`)),
      { log, metrics },
    );
    expect(metrics.counts).toEqual({ HoldsOverdue: 25 });
    const [line] = log.lines;
    expect(line).toMatchObject({ level: 'warn', message: 'holds overdue', fields: { topics: 25 } });
    expect(line?.fields['first_topics']).toHaveLength(20);
    expect(line?.fields['first_topics']).toContainEqual(expect.objectContaining({ topic_name: 'topic.3', by: 'ada' }));
  });

  it('counts 0 when there are none, which ends the alarm, and logs nothing', () => {
    const [log, metrics] = [recordingLog(), recordingMetrics()];
    reportOverdueHolds([], { log, metrics });
    expect(metrics.counts).toEqual({ HoldsOverdue: 0 });
    expect(log.lines).toEqual([]);
  });
});
