/** The minutes of a rebuild's plan, against durations that were measured. */
import { describe, expect, it } from '@jest/globals';
import { estimateRebuild, type RebuildPast } from '../../src/operations/rebuild-time';

const BOTH = ['standardized', 'curated'];
const ledger = (records: number, fastest?: number): RebuildPast['layers'] =>
  new Map(BOTH.map((layer) => [layer, { records, fastest }]));

describe('how long a rebuild takes', () => {
  it.each([
    ['one of the same size', [{ events: 200_000, seconds: 300 }], 200_000, 5],
    ['one of half the size', [{ events: 100_000, seconds: 180 }], 200_000, 5],
    ['one that was empty', [{ events: 0, seconds: 60 }], 0, 1],
  ])('goes by %s', (_name, rebuilds, events, minutes) => {
    expect(estimateRebuild(BOTH, { layers: ledger(events, 1), rebuilds }, events)).toEqual({
      minutes,
      basis: 'by the one rebuild on record',
    });
  });

  it('does not go by one that was resumed a day later, nor by those of other sizes', () => {
    const rebuilds = [
      { events: 190_000, seconds: 86_400 },
      { events: 200_000, seconds: 300 },
      { events: 210_000, seconds: 320 },
      { events: 10, seconds: 3_000 },
      { events: 9_000_000, seconds: 60 },
    ];
    const found = estimateRebuild(BOTH, { layers: ledger(200_000, 1), rebuilds }, 200_000);
    expect(found).toEqual({ minutes: 5, basis: 'by the 3 rebuilds of the most similar size on record' });
  });

  it('is a guess by the cycles without any, and unknown without these', () => {
    expect(estimateRebuild(BOTH, { layers: ledger(600_000, 10_000), rebuilds: [] }, 600_000)?.minutes).toBe(4);
    expect(estimateRebuild(BOTH, { layers: ledger(60), rebuilds: [] }, 60)?.minutes).toBe(1);
    expect(estimateRebuild(BOTH, { layers: new Map(), rebuilds: [] }, 0)).toBeUndefined();
  });
});
