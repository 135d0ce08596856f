import { describe, expect, it } from '@jest/globals';
import { fakeClock, memoryDocuments, memoryObjects } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { cycleIdOf, releaseLease, reservationOf, takeLease, type Reservation } from '../src/lease';
import { endMaintenance, putOffMaintenance, reserveLease } from '../src/maintenance-turn';
import { planCycle, type Resources } from '../src/plan-cycle';
import { decodeRequest } from '../src/request';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const RESOURCES: Resources = {
  lake: { databasePrefix: 'lean_ops', bucket: 'lake' },
  rawTable: 'events',
  registryTable: 'registry',
  checkpointTable: 'checkpoints',
  leaseSeconds: 7_200,
  freshnessTargets: { defaultMinutes: 60, topicMinutes: {} },
};

function world() {
  const documents = memoryDocuments({ registry: ['topic_name'], checkpoints: ['topic_name', 'layer'] });
  const clock = fakeClock();
  const location = 's3://lake/metadata.json';
  const objects = memoryObjects({ [location]: '{"format-version":2,"current-snapshot-id":-1,"snapshots":[]}' });
  const catalog = { getTable: () => Promise.resolve({ metadataLocation: location, columns: [] }) };
  const reserve = async (execution: string, seconds = 60): Promise<Reservation> =>
    reservationOf(await reserveLease(documents, 'checkpoints', execution, seconds, clock));
  const release = (execution: string): Promise<boolean> => releaseLease(documents, 'checkpoints', execution);
  return {
    documents,
    clock,
    reserve,
    release,
    plan: async (execution: string) =>
      (await planCycle(execution, RESOURCES, { documents, clock, objects, catalog })).plan,
    succeed: async (execution: string): Promise<void> => {
      await endMaintenance(documents, 'checkpoints', execution, true, clock);
      await release(execution);
    },
    putOff: (execution: string) => putOffMaintenance(documents, 'checkpoints', execution, clock),
  };
}

describe('a reservation', () => {
  it('is the lease of the pipeline, under an id that sorts with those of cycles', async () => {
    const { documents, clock, reserve, release } = world();
    const first = { reserved: true, cycle_id: cycleIdOf(new Date(clock.now()), 'maintenance') };
    await expect(reserve('maintenance')).resolves.toEqual(first);
    clock.pass(5_000);
    await expect(reserve('maintenance')).resolves.toEqual(first);
    await expect(takeLease(documents, 'checkpoints', 'cycle', 60, clock)).resolves.toEqual({ held: false });
    await expect(release('maintenance')).resolves.toBe(true);
    await expect(takeLease(documents, 'checkpoints', 'cycle', 60, clock)).resolves.toMatchObject({ held: true });
  });

  it('lasts as long as maintenance says, which is not the time of cycles', async () => {
    const { documents, clock, reserve } = world();
    await reserve('maintenance');
    clock.pass(61_000);
    await expect(takeLease(documents, 'checkpoints', 'cycle', 7_200, clock)).resolves.toMatchObject({ held: true });
  });

  it('names no cycle while one runs', async () => {
    const { documents, clock, reserve } = world();
    await takeLease(documents, 'checkpoints', 'cycle', 60, clock);
    await expect(reserve('maintenance')).resolves.toEqual({ reserved: false, cycle_id: '' });
  });
});

describe('maintenance among cycles that run back to back', () => {
  it('has its turn after the cycle that runs: the next one yields', async () => {
    const { clock, plan, reserve, release } = world();
    await expect(plan('cycle-1')).resolves.toMatchObject({ reason: 'NOTHING_NEW' });
    await expect(reserve('maintenance')).resolves.toMatchObject({ reserved: false });
    await expect(plan('cycle-2')).resolves.toMatchObject({ reason: 'LEASE_HELD' });
    clock.pass(MINUTE);
    await reserve('maintenance');
    await release('cycle-1');
    await expect(plan('cycle-3')).resolves.toMatchObject({ run: false, reason: 'YIELDED', cycle_id: '' });
    clock.pass(MINUTE);
    await expect(reserve('maintenance')).resolves.toMatchObject({ reserved: true });
    await release('maintenance');
    await expect(plan('cycle-4')).resolves.toMatchObject({ reason: 'NOTHING_NEW' });
  });

  it('is yielded to by a repeated step, too', async () => {
    const { plan, reserve, release } = world();
    await plan('cycle-1');
    await reserve('maintenance');
    await release('cycle-1');
    await expect(plan('cycle-2')).resolves.toMatchObject({ reason: 'YIELDED' });
    await expect(plan('cycle-2')).resolves.toMatchObject({ reason: 'YIELDED' });
  });

  it('keeps cycles for three minutes at the most after it has died', async () => {
    const { clock, plan, reserve, release } = world();
    await plan('cycle-1');
    await reserve('maintenance');
    await release('cycle-1');
    clock.pass(2 * MINUTE);
    await expect(plan('cycle-2')).resolves.toMatchObject({ reason: 'YIELDED' });
    clock.pass(MINUTE);
    await expect(plan('cycle-3')).resolves.toMatchObject({ reason: 'NOTHING_NEW' });
  });

  it('keeps none once it is put off, and does not end what another execution wants', async () => {
    const { plan, reserve, release, putOff } = world();
    await plan('cycle-1');
    await reserve('by-schedule');
    await reserve('by-hand');
    await putOff('by-schedule');
    await release('cycle-1');
    await expect(plan('cycle-2')).resolves.toMatchObject({ reason: 'YIELDED' });
    await putOff('by-hand');
    await expect(plan('cycle-3')).resolves.toMatchObject({ reason: 'NOTHING_NEW' });
  });
});

describe('any schedule of cycles', () => {
  it('lets maintenance begin a minute after the cycle that it met, and goes on three minutes after one that died', async () => {
    const schedule = fc.record({
      every: fc.integer({ min: 1, max: 15 }),
      lasts: fc.integer({ min: 1, max: 40 }),
      begins: fc.integer({ min: 0, max: 60 }),
      diesAfter: fc.option(fc.integer({ min: 1, max: 20 }), { nil: Infinity }),
    });
    await fc.assert(
      fc.asyncProperty(schedule, async ({ every, lasts, begins, diesAfter }) => {
        const { clock, plan, reserve, release } = world();
        let [ends, metUntil, began] = [-1, undefined as number | undefined, undefined as number | undefined];
        const cyclesAt: number[] = [];
        for (let minute = 0; minute < 120; minute += 1) {
          clock.pass(MINUTE);
          if (minute === ends) await release(`cycle ends ${ends}`);
          const tries = minute - begins;
          if (began === undefined && tries >= 0 && tries < diesAfter) {
            metUntil ??= Math.max(ends, minute);
            if ((await reserve('maintenance', 1_200)).reserved) began = minute;
          }
          if (began !== undefined && minute === began + 10) await release('maintenance');
          if (minute % every !== 0) continue;
          const execution = `cycle ends ${minute + lasts}`;
          const { reason } = await plan(execution);
          if (reason === 'LEASE_HELD' || reason === 'YIELDED') continue;
          ends = minute + lasts;
          cyclesAt.push(minute);
        }
        if (diesAfter === Infinity) expect(began).toBeLessThanOrEqual((metUntil ?? 0) + 1);
        const last = began === undefined ? begins + diesAfter - 1 + 3 : began + 10;
        const free = Math.max(last, metUntil ?? 0);
        expect(cyclesAt.some((minute) => minute >= free && minute <= free + every)).toBe(true);
      }),
    );
  });
});

describe('maintenance that is put off', () => {
  it('is overdue once it has not succeeded for more than two days', async () => {
    const { clock, plan, reserve, release, succeed, putOff } = world();
    const start = new Date(clock.now()).toISOString();
    await expect(reserve('day-0')).resolves.toMatchObject({ reserved: true });
    await succeed('day-0');
    clock.pass(DAY);
    await plan('backfill');
    await reserve('day-1');
    await expect(putOff('day-1')).resolves.toEqual({ overdue: false, since: start });
    clock.pass(DAY + MINUTE);
    await reserve('day-2');
    await expect(putOff('day-2')).resolves.toEqual({ overdue: true, since: start });
    await release('backfill');
    await reserve('day-2-again');
    await succeed('day-2-again');
    await expect(putOff('day-3')).resolves.toMatchObject({ overdue: false });
  });

  it('counts from its first try where it has never succeeded', async () => {
    const { clock, plan, reserve, putOff } = world();
    await plan('adoption');
    await reserve('night-1');
    await expect(putOff('night-1')).resolves.toMatchObject({ overdue: false });
    clock.pass(2 * DAY + MINUTE);
    await reserve('night-3');
    await expect(putOff('night-3')).resolves.toMatchObject({ overdue: true });
  });

  it('is not overdue by a run that failed after another one succeeded', async () => {
    const { clock, documents, succeed, putOff } = world();
    await succeed('one');
    clock.pass(DAY);
    await endMaintenance(documents, 'checkpoints', 'two', false, clock);
    await expect(putOff('three')).resolves.toMatchObject({ overdue: false });
    clock.pass(DAY + MINUTE);
    await expect(putOff('four')).resolves.toMatchObject({ overdue: true });
  });
});

describe('decodeRequest', () => {
  it.each(['reserve', 'put_off'] as const)('reads the action %s of maintenance', (action) => {
    expect(decodeRequest({ action, execution_id: 'e' })).toEqual({ action, executionId: 'e' });
    expect(() => decodeRequest({ action })).toThrow('"execution_id"');
  });

  it('reads how maintenance ended', () => {
    const release = { action: 'release', execution_id: 'e', outcome: 'SUCCEEDED' };
    expect(decodeRequest(release)).toEqual({ action: 'release', executionId: 'e', outcome: 'SUCCEEDED' });
    expect(() => decodeRequest({ ...release, outcome: 'x' })).toThrow('"outcome"');
  });
});
