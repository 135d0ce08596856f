import { describe, expect, it } from '@jest/globals';
import { unjudgedText } from '../../src/format/unjudged';

describe('unjudgedText', () => {
  it('names each rule with its column, and the payload as such', () => {
    const rules = [
      { column: 'tags', rule: 'items' },
      { column: '$', rule: 'oneOf' },
    ];
    expect(unjudgedText(rules)).toBe('items of tags, oneOf of the payload');
  });

  it('says how many more there are than it names', () => {
    const rules = Array.from({ length: 12 }, (_, index) => ({ column: `c${index}`, rule: 'items' }));
    expect(unjudgedText(rules)).toMatch(/items of c9, 2 more rules$/);
  });
});
