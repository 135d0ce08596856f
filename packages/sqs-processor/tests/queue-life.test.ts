import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { budget } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { configFrom } from '../src/config';
import { KILLER, SimulatedQueue, type Settings, type Weather } from './simulated-queue';

const HOUR = 3_600;
const DAY = 24 * HOUR;

const VARIABLES = readFileSync(path.resolve(__dirname, '../../../variables_ingest.tf'), 'utf8');

/** The default of one of the root module's variables. */
function deployed(variable: string): number {
  const found = new RegExp(`variable "${variable}" \\{[^}]*?default\\s*= (\\d+)`).exec(VARIABLES);
  if (found?.[1] === undefined) throw new Error(`${variable} has no default`);
  return Number(found[1]);
}

const ENV = {
  FIREHOSE_STREAM_NAME: 's',
  INGEST_NAME: 'i',
  DLQ_NAME: 'd',
  IDEMPOTENCY_TABLE: 't',
  OVERFLOW_BUCKET: 'b',
};
/** What is deployed when nobody sets anything. */
const DEPLOYED: Settings = {
  visibilitySeconds: deployed('visibility_timeout_seconds'),
  maxReceives: deployed('max_receive_count'),
  batchSize: deployed('ingest_batch_size'),
  suspectReceives: configFrom(ENV).suspectReceives,
  timeoutSeconds: deployed('ingest_timeout_seconds'),
};
const FAIR: Weather = { throttles: () => false, hostDies: () => false };

const good = (n: number): string => `{"topic_name":"t","payload":{"n":${n}}}`;
const killer = (n: number): string => `{"topic_name":"t","payload":{"${KILLER}":${n}}}`;
const many = (count: number, make: (n: number) => string): string[] => Array.from({ length: count }, (_, n) => make(n));

/** The least number that a validation of one of the root module's variables takes. */
function least(variable: string): number {
  const found = new RegExp(`var\\.${variable} >= (\\d+)`).exec(VARIABLES);
  if (found?.[1] === undefined) throw new Error(`${variable} has no least value`);
  return Number(found[1]);
}

/** Uniform numbers from a seed (mulberry32), as many as are wanted. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('the life of a message, as deployed', () => {
  it('waits for four days while Firehose throttles everything, and then arrives', async () => {
    const weather = { ...FAIR, throttles: (seconds: number) => seconds < 4 * DAY };
    const queue = new SimulatedQueue(many(30, good), DEPLOYED, weather, seeded(1));
    const { ids } = queue;
    await queue.run(5 * DAY);
    expect([...queue.redriven, ...queue.deadLetters.keys()]).toEqual([]);
    expect([...queue.inStream.keys()].sort()).toEqual(ids.sort());
  });

  it('is then delivered at the usual pace, and not one by one', async () => {
    const weather = { ...FAIR, throttles: (seconds: number) => seconds < 2 * HOUR };
    const queue = new SimulatedQueue(many(1_500, good), { ...DEPLOYED, batchSize: 1_000 }, weather, seeded(1));
    await queue.run(DAY);
    expect(queue.inStream.size).toBe(1_500);
    // All were hidden for a visibility timeout when the throttling ended.
    expect(queue.seconds).toBeLessThan(2 * HOUR + DEPLOYED.visibilitySeconds + 60);
  });

  it('asks a Firehose that takes nothing with one message of a batch, once the first tries are over', async () => {
    const weather = { ...FAIR, throttles: () => true };
    const queue = new SimulatedQueue(many(100, good), DEPLOYED, weather, seeded(1));
    await queue.run((DEPLOYED.suspectReceives - 1) * DEPLOYED.visibilitySeconds);
    const before = queue.refused;
    await queue.run((DEPLOYED.suspectReceives + 9) * DEPLOYED.visibilitySeconds);
    expect(before).toBeGreaterThanOrEqual(100 * (DEPLOYED.suspectReceives - 1));
    // Ten rounds of one message, eight tries each.
    expect(queue.refused - before).toBeLessThanOrEqual(100 * 8 + 11 * 8);
  });

  it('ends in the DLQ within hours when it ends the function, and the others of its batch arrive', async () => {
    const scenario = fc.record({
      innocents: fc.nat(120),
      killers: fc.integer({ min: 1, max: 6 }),
      batchSize: fc.integer({ min: 1, max: 200 }),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ innocents, killers, batchSize, seed }) => {
        const bodies = [...many(killers, killer), ...many(innocents, good)];
        const queue = new SimulatedQueue(bodies, { ...DEPLOYED, batchSize }, FAIR, seeded(seed));
        const { ids } = queue;
        await queue.run(12 * HOUR);
        expect(Object.fromEntries(queue.deadLetters)).toEqual(
          Object.fromEntries(ids.slice(0, killers).map((id) => [id, 'ENDS_FUNCTION'])),
        );
        expect([...queue.inStream.keys()].sort()).toEqual(ids.slice(killers).sort());
        expect(queue.redriven.size).toBe(0);
      }),
      { numRuns: budget({ eachRun: 60, thorough: 1_000 }) },
    );
  }, 120_000);

  it('is never refused for what DynamoDB does, while nothing ends the function', async () => {
    const scenario = fc.record({
      messages: fc.integer({ min: 1, max: 12 }),
      batchSize: fc.integer({ min: 1, max: 12 }),
      refused: fc.constantFrom(0, 0.4, 1),
      slow: fc.constantFrom(0, 0.4, 1),
      firehoseMs: fc.constantFrom(0, 1_000, 5_000),
      timeoutSeconds: fc.constantFrom(least('ingest_timeout_seconds'), DEPLOYED.timeoutSeconds),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ messages, batchSize, refused, slow, firehoseMs, timeoutSeconds, seed }) => {
        const random = seeded(seed);
        const weather: Weather = {
          throttles: (seconds) => seconds < 6 * HOUR,
          hostDies: () => false,
          firehoseMs,
          write: () => (random() < refused ? 'refused' : random() < slow ? 'slow, and done' : 'done'),
        };
        const settings = { ...DEPLOYED, batchSize, timeoutSeconds };
        const queue = new SimulatedQueue(many(messages, good), settings, weather, random);
        const { ids } = queue;
        await queue.run(DAY);
        expect(queue.deadLetters).toEqual(new Map());
        expect([...queue.inStream.keys()].sort()).toEqual(ids.sort());
      }),
      { numRuns: budget({ eachRun: 25, thorough: 500 }) },
    );
  }, 120_000);

  it('has its turn when it is old, while newer ones come faster than Firehose takes them', async () => {
    const weather: Weather = {
      ...FAIR,
      takesPerCall: 5,
      firehoseMs: 3_000,
      arrivals: { everySeconds: 0.5, untilSeconds: HOUR, body: good },
    };
    const shortest = { ...DEPLOYED, timeoutSeconds: least('ingest_timeout_seconds') };
    const queue = new SimulatedQueue([good(-1)], shortest, weather, seeded(1));
    await queue.run(HOUR);
    expect(queue.arrived).toBeGreaterThan(7_000);
    // The first suspects are there after three visibility timeouts. A batch takes about half a minute then, and there are 70 of them.
    expect(queue.suspectsTaken).toBeGreaterThan(70);
    expect([...queue.redriven, ...queue.deadLetters.keys()]).toEqual([]);
  }, 60_000);

  it('is never lost, whatever throttles and whoever dies', async () => {
    const scenario = fc.record({
      innocents: fc.nat(40),
      killers: fc.nat(2),
      batchSize: fc.integer({ min: 1, max: 50 }),
      throttledHours: fc.nat(6),
      deathRate: fc.constantFrom(0, 0.02, 0.1),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ innocents, killers, batchSize, throttledHours, deathRate, seed }) => {
        const random = seeded(seed);
        const weather: Weather = {
          throttles: (seconds) => seconds < throttledHours * HOUR && random() < 0.9,
          hostDies: () => random() < deathRate,
        };
        const bodies = [...many(killers, killer), ...many(innocents, good)];
        const queue = new SimulatedQueue(bodies, { ...DEPLOYED, batchSize }, weather, random);
        const { ids } = queue;
        await queue.run(5 * DAY);
        for (const id of ids)
          expect(queue.inStream.has(id) || queue.deadLetters.has(id) || queue.redriven.has(id)).toBe(true);
      }),
      { numRuns: budget({ eachRun: 40, thorough: 1_000 }) },
    );
  }, 120_000);
});
