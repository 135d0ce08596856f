import { describe, expect, it } from '@jest/globals';
import {
  imbalances,
  nothingArrived,
  renderBalance,
  type TopicAccount,
} from '../../scripts/local/reports/topic-account';

const balanced: TopicAccount = {
  topic: 'telemetry.climate',
  received: 105,
  raw: 104,
  dlq: 1,
  standardized: 98,
  duplicates: 2,
  superseded: 3,
  parseErrors: 1,
  newColumns: 0,
  curated: { validated: 101, rows: 95, duplicates: 0, superseded: 2, rejected: 4 },
};

describe('imbalances', () => {
  it('finds none where every message is accounted for', () => {
    expect(imbalances(balanced)).toEqual([]);
    expect(renderBalance([balanced])).toContain('balances');
  });

  it.each([
    ['a message that never reached RAW', { received: 106 }, 'received = RAW + DLQ', '1 missing'],
    ['a row that is there twice', { standardized: 99 }, 'RAW = Standardized', '1 too many'],
    [
      'a version validated and gone',
      { curated: { validated: 102, rows: 95, duplicates: 0, superseded: 2, rejected: 4 } },
      'validated = Curated',
      '1 missing',
    ],
  ])('names %s', (_, change, law, size) => {
    const broken = imbalances({ ...balanced, ...change });
    expect(broken).toHaveLength(1);
    expect(broken[0]).toContain(law);
    expect(broken[0]).toContain(size);
    expect(renderBalance([{ ...balanced, ...change }])).toContain('does NOT balance');
  });
});

describe('nothingArrived', () => {
  it('is silent as long as one message became a row', () => {
    expect(nothingArrived([balanced, { ...balanced, standardized: 0 }])).toBeUndefined();
  });

  it('says where the messages are instead, also those that reached RAW and could not be parsed', () => {
    expect(nothingArrived([{ ...balanced, standardized: 0, raw: 104, parseErrors: 104 }])).toBe(
      'No message became a row: 1 went to the archive, 104 could not be parsed.',
    );
  });
});
