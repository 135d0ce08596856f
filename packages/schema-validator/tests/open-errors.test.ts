/** The dashboard's numbers of open errors. */
import { describe, expect, it, jest } from '@jest/globals';
import { ignoredItem } from '@lean-ops/common/core';
import type { Collaborators } from '../src/collaborators';
import { asksForOpenErrors, reportOpenErrors } from '../src/open-errors';
import { RESOURCES, world } from './world';

const mark = (fingerprint: string, until?: string) =>
  ignoredItem({
    fingerprint,
    topic: 't',
    by: 'ada',
    reason: 'r',
    since: '2026-11-01T00:00:00Z',
    until,
    reopened: undefined,
  });

function reporting(answer: () => Promise<readonly (readonly string[])[]>) {
  const { documents, clock } = world();
  documents.seed('operations', mark('E1-0000000001'), mark('E1-0000000002', '2026-11-02T00:00:00Z'));
  const asked: string[] = [];
  const athena: Collaborators['athena'] = {
    execute: () => Promise.reject(new Error('a count writes nothing')),
    query: async (sql) => {
      asked.push(sql);
      return { columns: [], rows: await answer() };
    },
  };
  const counted: Record<string, number> = {};
  const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn(), bind: jest.fn() };
  const metrics = {
    count: (name: string, value = 1) => void (counted[name] = value),
    countOf: jest.fn(),
    millis: jest.fn(),
    flush: jest.fn(),
  };
  const report = () => reportOpenErrors(RESOURCES, { documents, athena, clock }, { log, metrics } as never);
  return { report, counted, asked, log };
}

describe('open errors', () => {
  it('are counted by age, without those that somebody ignores', async () => {
    const { report, counted, asked } = reporting(() => Promise.resolve([['12', '30', '7', '2']]));
    await expect(report()).resolves.toEqual({ day: 12, week: 30, older: 7, regressed: 2 });
    expect(counted).toEqual({ OpenErrorsOfDay: 12, OpenErrorsOfWeek: 30, OpenErrorsOlder: 7, ErrorsRegressed: 2 });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain("WHERE fingerprint NOT IN ('E1-0000000001') GROUP BY");
  });

  it('that cannot be counted are told by a metric, and fail nothing', async () => {
    const { report, counted, log } = reporting(() => Promise.reject(new Error('no right')));
    await expect(report()).resolves.toBeUndefined();
    expect(counted).toEqual({ OpenErrorsNotCounted: 1 });
    expect(log.warn).toHaveBeenCalledTimes(1);
  });

  it('are asked for by the schedule alone', () => {
    expect(asksForOpenErrors({ action: 'count_errors' })).toBe(true);
    expect(asksForOpenErrors({ action: 'activate' })).toBe(false);
  });
});
