import { describe, expect, it } from '@jest/globals';
import type { TopicName } from '../../../src/core';
import {
  isDrained,
  isLock,
  isOperationId,
  lockItem,
  operationIdOf,
  operationItem,
  overdueHolds,
  readCycleLease,
  readLock,
  readOperation,
  type Operation,
} from '../../../src/core';

const OPERATION: Operation = {
  operationId: '20261130T062500Z-hold-ab12cd',
  kind: 'hold',
  topic: 'telemetry.climate' as TopicName,
  state: 'RUNNING',
  step: 'REQUESTED',
  requestedBy: 'arn:aws:iam::1:user/ada',
  reason: 'a new sensor',
  plan: { epoch: 0 },
  planDigest: 'd',
  counts: {},
  requestedAt: '2026-11-30T06:25:00.000Z',
  updatedAt: '2026-11-30T06:25:00.000Z',
  recorded: false,
};

describe('an operation', () => {
  it('has an id that sorts by time and names the kind', () => {
    const id = operationIdOf(new Date('2026-11-30T06:25:00.123Z'), 'hold', 'ab12cd');
    expect(id).toBe(OPERATION.operationId);
    expect(isOperationId(id)).toBe(true);
    expect(isOperationId('20261130T062500Z-drop-ab12cd')).toBe(false);
    expect(isOperationId('topic#a')).toBe(false);
  });

  it('is read back from its item, with and without what is optional', () => {
    const ended = {
      ...OPERATION,
      until: '2026-12-01T00:00:00Z',
      endedAt: '2026-11-30T07:00:00Z',
      executionArn: 'arn',
      error: 'no',
      counts: { tables: 2 },
    };
    for (const one of [OPERATION, ended]) expect(readOperation(operationItem(one))).toEqual(one);
  });

  it.each([
    ['a kind', { kind: 'drop' }],
    ['a state', { state: 'LOST' }],
    ['a step', { step: 'HALF' }],
    ['a topic', { topic: '../x' }],
  ])('is not read with %s that this version does not know', (_what, wrong) => {
    expect(readOperation({ ...operationItem(OPERATION), ...wrong })).toBeUndefined();
  });

  it('is not mistaken for the lock of its topic', () => {
    const lock = lockItem(OPERATION);
    expect(isLock(lock)).toBe(true);
    expect(isLock(operationItem(OPERATION))).toBe(false);
    expect(readOperation(lock)).toBeUndefined();
    expect(readLock(lock)).toEqual({
      topic: 'telemetry.climate',
      holder: OPERATION.operationId,
      since: OPERATION.requestedAt,
    });
  });
});

describe('a topic is drained', () => {
  const since = '2026-11-30T06:25:00.000Z';
  const now = new Date('2026-11-30T06:30:00Z');
  const item = { topic_name: 'a', hold: { operation_id: 'x', since } };
  const seconds = (iso: string): number => Date.parse(iso) / 1_000;
  const lease = (cycleId: string, expires = '2026-11-30T08:00:00Z') => ({ cycleId, expiresAt: seconds(expires) });

  it.each([
    ['no cycle runs', undefined, true],
    ['a cycle from before the hold runs', lease('20261130T062459Z-aa'), false],
    ['a cycle runs that began with the hold, by clocks that may differ', lease('20261130T062503Z-aa'), false],
    ['a cycle runs that began later', lease('20261130T062506Z-aa'), true],
    ['the lease of a dead cycle has run out', lease('20261130T060000Z-aa', '2026-11-30T06:29:59Z'), true],
    ['a lease names no cycle that can be read', lease('cycle'), false],
  ])('where %s: %s', (_when, held, drained) => {
    expect(isDrained(OPERATION, item, held, now)).toBe(drained);
  });

  it('only when no DDL is at work either', () => {
    const ddl = (expires: string) => ({ by: '1', since, expires_at: seconds(expires) });
    expect(isDrained(OPERATION, { ...item, ddl: ddl('2026-11-30T06:35:00Z') }, undefined, now)).toBe(false);
    expect(isDrained(OPERATION, { ...item, ddl: ddl('2026-11-30T06:29:00Z') }, undefined, now)).toBe(true);
  });

  it('at once when it is to be released', () => {
    expect(isDrained({ ...OPERATION, kind: 'release' }, item, lease('20261130T062459Z-aa'), now)).toBe(true);
  });

  it('by a lease as the planner writes it', () => {
    expect(readCycleLease({ cycle_id: 'c', expires_at: 3, owner: 'o' })).toEqual({ cycleId: 'c', expiresAt: 3 });
    expect(readCycleLease(undefined)).toBeUndefined();
  });
});

describe('overdueHolds', () => {
  it('are held topics whose hold has an end that is over', () => {
    const held = (topic: string, hold?: Record<string, string>) => ({
      topic_name: topic,
      status: 'MAINTENANCE',
      ...(hold && { hold }),
    });
    const registry = [
      held('b', { until: '2026-11-30T06:00:00Z' }),
      held('a', { until: '2026-11-30T05:00:00Z' }),
      held('later', { until: '2026-11-30T08:00:00Z' }),
      held('without-end', {}),
      held('by-hand'),
      { topic_name: 'released', status: 'READY', hold: { until: '2026-11-30T05:00:00Z' } },
      { topic_name: 'table#a', owner: 'a' },
    ];
    expect(overdueHolds(registry, Date.parse('2026-11-30T06:25:00Z')).map(({ topic }) => topic)).toEqual(['a', 'b']);
  });
});
