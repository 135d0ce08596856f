import { describe, expect, it } from '@jest/globals';
import { isRejectionBound } from '@lean-ops/common/core';
import fc from 'fast-check';
import { boundOfRebuild, parseRejectionLimit } from '../src/plan/rejection-limit';

describe('the bound of a rebuild', () => {
  it.each([
    ['0', 50, 1_000, undefined],
    ['12', 0, 1_000, '12'],
    ['12', 50, 1_000, '62'],
    ['1%', 50, 1_000, '6%'],
    ['0.5%', 1, 3, '33.8334%'],
    ['1%', 0, 0, '1%'],
    ['60%', 500, 1_000, '100%'],
  ])('of %s new rejections beside %s rows of %s that stay rejected is %s', (text, staying, rows, bound) => {
    expect(boundOfRebuild(parseRejectionLimit(text), staying, rows)).toBe(bound);
  });

  it('lets the rows through that the limit of the plan allows, and is one that the job takes', () => {
    const limits = fc.oneof(
      fc.integer({ min: 1, max: 1_000 }).map(String),
      fc.integer({ min: 1, max: 1_000_000 }).map((share) => `${share / 10_000}%`),
    );
    fc.assert(
      fc.property(limits, fc.nat(1_000), fc.nat(1_000), fc.nat(1_000), (text, anew, staying, others) => {
        const limit = parseRejectionLimit(text);
        const rows = anew + staying + others;
        if (!limit.allows(anew, rows)) return;
        const bound = boundOfRebuild(limit, staying, rows) ?? '';
        expect(isRejectionBound(bound)).toBe(true);
        expect(parseRejectionLimit(bound).allows(anew + staying, rows)).toBe(true);
      }),
    );
  });
});
