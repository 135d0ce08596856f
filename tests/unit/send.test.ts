import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { batches, type Message } from '../../scripts/local/send';

const message = fc.record({
  body: fc.string({ maxLength: 200 }).map((text) => text.repeat(400)),
  topic: fc.option(fc.constant('a.b'), { nil: undefined }),
});

describe('batches', () => {
  it('keeps every message once, in order, within 10 messages and 1 MiB a call', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 80 }), (messages) => {
        const out = [...batches(messages as Message[])];
        expect(out.flat().map(({ index }) => index)).toEqual(messages.map((_, index) => index));
        for (const batch of out) {
          expect(batch.length).toBeLessThanOrEqual(10);
          const bytes = batch.reduce((sum, entry) => sum + Buffer.byteLength(entry.message.body), 0);
          expect(batch.length === 1 || bytes <= 1_048_576).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});
