import { describe, expect, it } from '@jest/globals';
import { fakeClock, memoryDocuments } from '@lean-ops/common/testing';
import { cycleIdOf, releaseLease, reservationOf, takeLease, type Reservation } from '../src/lease';
import { decodeRequest } from '../src/request';

function world() {
  const documents = memoryDocuments({ checkpoints: ['topic_name', 'layer'] });
  const clock = fakeClock();
  const reserve = async (execution: string): Promise<Reservation> =>
    reservationOf(await takeLease(documents, 'checkpoints', execution, 60, clock));
  return { documents, clock, reserve };
}

describe('a reservation', () => {
  it('is the lease of the pipeline, under an id that sorts with those of cycles', async () => {
    const { documents, clock, reserve } = world();
    const first = { reserved: true, cycle_id: cycleIdOf(new Date(clock.now()), 'maintenance') };
    await expect(reserve('maintenance')).resolves.toEqual(first);
    clock.pass(5_000);
    await expect(reserve('maintenance')).resolves.toEqual(first);
    await expect(takeLease(documents, 'checkpoints', 'cycle', 60, clock)).resolves.toEqual({ held: false });
    await expect(releaseLease(documents, 'checkpoints', 'maintenance')).resolves.toBe(true);
    await expect(takeLease(documents, 'checkpoints', 'cycle', 60, clock)).resolves.toMatchObject({ held: true });
  });

  it('names no cycle while one runs', async () => {
    const { documents, clock, reserve } = world();
    await takeLease(documents, 'checkpoints', 'cycle', 60, clock);
    await expect(reserve('maintenance')).resolves.toEqual({ reserved: false, cycle_id: '' });
  });
});

describe('decodeRequest', () => {
  it.each(['reserve', 'release'] as const)('reads the action %s of maintenance', (action) => {
    expect(decodeRequest({ action, execution_id: 'e' })).toEqual({ action, executionId: 'e' });
    expect(() => decodeRequest({ action })).toThrow('"execution_id"');
  });
});
