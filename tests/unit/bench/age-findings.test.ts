import { describe, expect, it } from '@jest/globals';
import { ageFindings, COMPARED, MIN_CYCLES, WARM_UP, type Life, type LivedCycle } from '../../bench/age-findings';

const MIB = 2 ** 20;

function cycle(number: number, cost: Partial<LivedCycle> = {}): LivedCycle {
  return {
    cycle: number,
    commits: 20,
    seconds: 4,
    cpu_seconds: 6,
    requests: { 's3:GET': 100, 's3:PUT': 60 },
    reads: { 'curated/data': { requests: 40, bytes: 1000 }, 'raw/metadata': { requests: 5, bytes: 500 } },
    raw_metadata_bytes: 10_000,
    ...cost,
  };
}

function life(cycles: readonly LivedCycle[], end: Partial<Life> = {}): Life {
  return {
    cycles,
    lived_seconds: 100,
    orphans_left: 4,
    maintenance: { runs: 1, seconds: [9], waiting: 0, done: { 'snapshots expired': 30 } },
    metadata_bytes: { raw: 9_000, topic_max: 7_000 },
    snapshots: { raw: 120, topic_max: 100 },
    files: { raw: 30, topic_max: 12 },
    objects: 5_000,
    unreferenced: 3,
    unreferenced_overdue: 0,
    ...end,
  };
}

/** A life of so many cycles whose last ones cost something else. */
function lifeWhoseLast(cost: Partial<LivedCycle>, cycles = 60): Life {
  const isLast = (number: number): boolean => number >= cycles - COMPARED;
  return life(Array.from({ length: cycles }, (_, n) => cycle(n, isLast(n) ? cost : {})));
}

describe('ageFindings', () => {
  it('compares the medians of the first cycles after the warm-up and of the last ones', () => {
    const cycles = Array.from({ length: MIN_CYCLES }, (_, n) => cycle(n, { seconds: n < WARM_UP ? 90 : n }));
    const found = ageFindings(life(cycles), 4);
    const middle = WARM_UP + (COMPARED - 1) / 2;
    expect(found.cycle_seconds).toEqual({ first: middle, last: middle + COMPARED });
  });

  it('is not moved by one slow cycle among the last', () => {
    const calm = lifeWhoseLast({});
    const slow = calm.cycles.map((one, n) => (n === calm.cycles.length - 1 ? { ...one, seconds: 60 } : one));
    expect(ageFindings(life(slow), 4)).toMatchObject({ cycle_seconds: { first: 4, last: 4 }, broken: [] });
  });

  it('adds up what was read of all parts and what was asked of all services, the latter by topic', () => {
    expect(ageFindings(lifeWhoseLast({}), 4)).toMatchObject({
      bytes_read: { first: 1500, last: 1500 },
      requests_per_topic: { first: 40, last: 40 },
      parts: { 'raw/metadata': { requests: { first: 5, last: 5 }, bytes: { first: 500, last: 500 } } },
      operations: { 's3:PUT': { first: 60, last: 60 } },
      broken: [],
    });
  });

  it('counts an operation that only the last cycles made as none in the first', () => {
    const found = ageFindings(lifeWhoseLast({ requests: { 's3:GET': 100, 's3:PUT': 60, 's3:HEAD': 8 } }), 4);
    expect(found.operations['s3:HEAD']).toEqual({ first: 0, last: 8 });
  });

  it('takes bounds as met when they are just reached', () => {
    const reached = lifeWhoseLast({ seconds: 4.6, requests: { 's3:GET': 176 }, raw_metadata_bytes: 2 * MIB });
    expect(ageFindings(reached, 4).broken).toEqual([]);
  });

  it.each<[string, Partial<LivedCycle>]>([
    ['cycle_seconds', { seconds: 4.7 }],
    ['bytes_read', { reads: { 'raw/data': { requests: 1, bytes: 1700 } } }],
    ['requests_per_topic', { requests: { 's3:GET': 180 } }],
    ['metadata_bytes', { raw_metadata_bytes: 2 * MIB + 1 }],
  ])('names %s when its bound is broken', (name, cost) => {
    expect(ageFindings(lifeWhoseLast(cost), 4).broken).toEqual([expect.stringContaining(`${name}: `)]);
  });

  it("says of RAW's metadata how large it came to be, as maintenance may have been last", () => {
    const cycles = Array.from({ length: 40 }, (_, n) => cycle(n, n === 20 ? { raw_metadata_bytes: 3 * MIB } : {}));
    const found = ageFindings(life(cycles), 4);
    expect(found.metadata_bytes).toEqual({ raw: 3 * MIB, topic_max: 7_000 });
    expect(found.broken).toHaveLength(1);
  });

  it('names objects that are past their bound', () => {
    const { cycles } = lifeWhoseLast({});
    expect(ageFindings(life(cycles, { unreferenced_overdue: 2 }), 4).broken).toEqual([
      'unreferenced_overdue: 2 objects that no table names are past their bound',
    ]);
  });
});
