import { describe, expect, it } from '@jest/globals';
import type { Document, DocumentValue } from '../../../src/core/condition';
import { rewindCommand, rewindProposals } from '../../../src/core/operations/proposals';

const run = (layer: 'raw' | 'curated', ...proposals: DocumentValue[]): Document => ({
  topic_name: '*',
  layer,
  proposals,
});
const note = (topic: string, to: string, since = '2026-11-30T10:00:00+00:00') => ({
  topic_name: topic,
  since,
  cycle_id: 'c9',
  to_cycle: to,
  error: 'LEDGER_UNBALANCED: 3 rows',
});

describe('rewindProposals', () => {
  it('are of both layers, the newest first, with the command that does it', () => {
    const found = rewindProposals(
      [run('raw', note('a', 'c1')), run('curated', note('b', 'c2', '2026-11-30T11:00:00+00:00'))],
      [],
    );
    expect(found.map(({ topic, layer, toCycle }) => [topic, layer, toCycle])).toEqual([
      ['b', 'curated', 'c2'],
      ['a', 'standardized', 'c1'],
    ]);
    expect(found.map(rewindCommand)).toContain('lean-ops topic rewind b --to c2');
  });

  it('go back to before both bad cycles where both layers propose', () => {
    for (const [raw, curated] of [
      ['c1', 'c2'],
      ['c2', 'c1'],
    ] as const) {
      const found = rewindProposals([run('raw', note('a', raw)), run('curated', note('a', curated))], []);
      expect(found.map(({ toCycle }) => toCycle)).toEqual(['c1']);
    }
  });

  it('are answered by a release after them, and by none before', () => {
    const released = (at: string): Document => ({ topic_name: 'a', released_at: at });
    const items = [run('raw', note('a', 'c1'))];
    expect(rewindProposals(items, [released('2026-11-30T10:00:01.000Z')])).toEqual([]);
    expect(rewindProposals(items, [released('2026-11-30T09:59:59.000Z')])).toHaveLength(1);
    expect(rewindProposals(items, [{ topic_name: 'a', status: 'MAINTENANCE' }])).toHaveLength(1);
  });

  it('leave out what is no note, and items of topics', () => {
    const odd: DocumentValue[] = [
      1,
      null,
      {},
      { ...note('A', 'c1') },
      { ...note('a', '') },
      { ...note('a', 'c1', 'x') },
    ];
    expect(rewindProposals([run('raw', ...odd)], [])).toEqual([]);
    expect(rewindProposals([{ topic_name: '*', layer: 'raw', proposals: 'x' }], [])).toEqual([]);
    expect(rewindProposals([{ ...run('raw', note('a', 'c1')), topic_name: 'a' }], [])).toEqual([]);
    expect(rewindProposals([{ ...run('raw', note('a', 'c1')), layer: 'lease' }], [])).toEqual([]);
  });
});
