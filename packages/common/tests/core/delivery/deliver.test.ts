import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deliver, type DeliveryContext, type DeliveryPlan, type Receipt } from '../../../src/core/delivery/deliver';

const TAKEN: Receipt = { ok: true };
const THROTTLED: Receipt = { ok: false, code: 'ThrottlingException', message: 'slow down' };

function planOf(
  send: DeliveryPlan<number>['send'],
  overrides: Partial<DeliveryPlan<number>> = {},
): DeliveryPlan<number> {
  return {
    send,
    maxCount: 3,
    maxBytes: 100,
    sizeOf: () => 1,
    concurrency: 2,
    maxAttempts: 5,
    backoff: { baseMs: 100, capMs: 1_000 },
    callTimeoutMs: 1_000,
    ...overrides,
  };
}

/** A context in which time passes only by sleeping. */
function contextOf(budgetMs = 60_000): DeliveryContext & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    remainingMs: () => budgetMs - slept.reduce((sum, ms) => sum + ms, 0),
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
    random: () => 0.5,
  };
}

describe('deliver', () => {
  it('sends again only what failed, after a jittered wait', async () => {
    const calls: (readonly number[])[] = [];
    const context = contextOf();
    const report = await deliver(
      [1, 2, 3, 4, 5],
      planOf((items) => {
        calls.push(items);
        return Promise.resolve(items.map((item) => (item % 2 === 0 && calls.length <= 2 ? THROTTLED : TAKEN)));
      }),
      context,
    );
    expect(calls).toEqual([
      [1, 2, 3],
      [4, 5],
      [2, 4],
    ]);
    expect(report).toMatchObject({ taken: [1, 3, 5, 2, 4], left: [], resent: 2, calls: 3 });
    expect(context.slept).toEqual([50]);
  });

  it('sends a whole chunk again after a call that threw, as nobody knows what became of it', async () => {
    let calls = 0;
    const report = await deliver(
      [1, 2],
      planOf((items) =>
        ++calls === 1 ? Promise.reject(new Error('socket hang up')) : Promise.resolve(items.map(() => TAKEN)),
      ),
      contextOf(),
    );
    expect(report).toMatchObject({ taken: [1, 2], left: [], resent: 2 });
  });

  it('counts an item without a receipt as not taken', async () => {
    const report = await deliver(
      [1, 2],
      planOf(() => Promise.resolve([TAKEN]), { maxAttempts: 1 }),
      contextOf(),
    );
    expect(report.taken).toEqual([1]);
    expect(report.left).toMatchObject([{ item: 2, code: 'NO_RECEIPT' }]);
  });

  it('does not send again what is refused for good', async () => {
    const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    const report = await deliver(
      [1],
      planOf(() => Promise.reject(denied)),
      contextOf(),
    );
    expect(report).toMatchObject({
      taken: [],
      left: [{ item: 1, code: 'AccessDeniedException' }],
      calls: 1,
      resent: 0,
    });
  });

  it('begins no call for which there is no time, and sleeps past no deadline', async () => {
    const none = await deliver(
      [1],
      planOf(() => Promise.resolve([TAKEN])),
      contextOf(99),
    );
    expect(none).toMatchObject({ taken: [], left: [{ item: 1, code: 'OUT_OF_TIME' }], calls: 0 });
    const context = contextOf(200);
    const some = await deliver(
      [1],
      planOf(() => Promise.resolve([THROTTLED])),
      context,
    );
    expect(some.left).toMatchObject([{ item: 1, code: 'ThrottlingException' }]);
    expect(context.remainingMs()).toBeGreaterThanOrEqual(0);
  });

  it('gives each call no more time than is left', async () => {
    const timeouts: number[] = [];
    const send = (items: readonly number[], timeoutMs: number) => {
      timeouts.push(timeoutMs);
      return Promise.resolve(items.map(() => TAKEN));
    };
    await deliver([1], planOf(send), contextOf(400));
    await deliver([1], planOf(send), contextOf(4_000));
    expect(timeouts).toEqual([400, 1_000]);
  });

  it('takes or leaves every item exactly once, whatever the receiver does', async () => {
    const behaviour = fc.constantFrom('take', 'throttle', 'refuse', 'short', 'throw' as const);
    await fc.assert(
      fc.asyncProperty(fc.nat(20), fc.infiniteStream(behaviour), fc.nat(2_000), async (count, behaviours, budgetMs) => {
        const accepted = new Set<number>();
        const items = Array.from({ length: count }, (_, index) => index);
        const report = await deliver(
          items,
          planOf((part) => {
            const { value } = behaviours.next() as { value: string };
            if (value === 'throw') return Promise.reject(new Error('no answer'));
            if (value === 'short') return Promise.resolve([]);
            const receipt: Receipt =
              value === 'refuse' ? { ok: false, code: 'AccessDenied', message: 'no' } : THROTTLED;
            return Promise.resolve(
              part.map((item) => {
                if (value === 'take' || item % 2 === 0) accepted.add(item);
                return accepted.has(item) ? TAKEN : receipt;
              }),
            );
          }),
          contextOf(budgetMs),
        );
        const all = [...report.taken, ...report.left.map(({ item }) => item)].sort((a, b) => a - b);
        expect(all).toEqual(items);
        for (const item of report.taken) expect(accepted.has(item)).toBe(true);
      }),
    );
  });
});
