import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fullJitterMs } from '../../../src/core/delivery/backoff';
import { chunk } from '../../../src/core/delivery/chunk';
import { mapLimit } from '../../../src/core/delivery/concurrency';
import { keySegment } from '../../../src/core/keys';

describe('chunk', () => {
  const limits = fc.record({ maxCount: fc.integer({ min: 1, max: 6 }), maxBytes: fc.integer({ min: 1, max: 30 }) });

  it('keeps every item in order, within both limits, and no chunk could have taken the next item', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 })), limits, (sizes, { maxCount, maxBytes }) => {
        const items = sizes.map((size, id) => ({ size, id }));
        const chunks = chunk(items, { maxCount, maxBytes, sizeOf: ({ size }) => size });
        const bytes = (part: readonly { size: number }[]): number => part.reduce((sum, { size }) => sum + size, 0);
        expect(chunks.flat()).toEqual(items);
        chunks.forEach((part, index) => {
          expect(part.length).toBeGreaterThan(0);
          expect(part.length).toBeLessThanOrEqual(maxCount);
          if (part.length > 1) expect(bytes(part)).toBeLessThanOrEqual(maxBytes);
          const next = chunks[index + 1]?.[0];
          if (next) expect(part.length === maxCount || bytes(part) + next.size > maxBytes).toBe(true);
        });
      }),
    );
  });
});

describe('fullJitterMs', () => {
  it('is uniform from 0 to a bound that doubles up to the cap', () => {
    const backoff = { baseMs: 100, capMs: 1_000 };
    expect([0, 1, 2, 3, 4, 60].map((failures) => fullJitterMs(backoff, failures, () => 0.999_999))).toEqual([
      99, 199, 399, 799, 999, 999,
    ]);
    expect(fullJitterMs(backoff, 4, () => 0)).toBe(0);
    expect(fullJitterMs(backoff, 1, () => 0.5)).toBe(100);
  });
});

describe('mapLimit', () => {
  it('gives results in order and never runs more than the limit', async () => {
    let running = 0;
    let most = 0;
    const results = await mapLimit([5, 1, 4, 2, 3], 2, async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      running--;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
    await expect(mapLimit([], 2, () => Promise.resolve(1))).resolves.toEqual([]);
  });
});

describe('keySegment', () => {
  it('leaves ids as AWS makes them', () => {
    expect(keySegment('2e1424d4-f796-459a-8184-9c92662be6da')).toBe('2e1424d4-f796-459a-8184-9c92662be6da');
  });

  it('gives equal ids equal segments, and nothing that leaves its prefix', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('..', '../x', 'a/b', '', '.')), (id) => {
        expect(keySegment(id)).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);
        expect(keySegment(id)).toBe(keySegment(id));
      }),
    );
  });
});
