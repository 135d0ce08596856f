import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { costTable, LOADS, monthlyCost, total, type Load } from '../../scripts/cost/model';
import prices from '../../scripts/cost/prices.json';

const PAGE = readFileSync(path.resolve(__dirname, '../../docs/deployment.md'), 'utf8');
const HEAD = [
  '| events a day | topics | queues | functions | stream | jobs | tables | watching | storage | all |',
  '| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
];

const load = (): fc.Arbitrary<Load> =>
  fc.record({
    eventsPerDay: fc.integer({ min: 1, max: 1e9 }),
    topics: fc.integer({ min: 1, max: 5_000 }),
    bytes: fc.integer({ min: 350, max: 1_024_000 }),
    cyclesPerDay: fc.integer({ min: 1, max: 96 }),
  });

/** Runs the command as `pnpm cost` does. */
function cost(...args: readonly string[]) {
  const cli = path.resolve(__dirname, '../../scripts/cost/cli.ts');
  return spawnSync(process.execPath, ['--import', require.resolve('tsx'), cli, ...args], { encoding: 'utf8' });
}

describe('pnpm cost', () => {
  it('computes the load that is asked for', () => {
    const [row = ''] = costTable([{ eventsPerDay: 5e6, topics: 300, bytes: 800, cyclesPerDay: 96 }], prices);
    const { stdout, status } = cost('--events-per-day', '5000000', '--topics', '300', '--bytes', '800');
    expect(status).toBe(0);
    expect(stdout).toContain(row);
  });

  it.each([
    [['--topics', '300'], 'error: --events-per-day must be given, too'],
    [['--events-per-day', '1', '--topics', '0'], 'error: --topics must be a whole number, 1 or more.'],
  ])('refuses %j and does not print another load', (args, error) => {
    const { stdout, stderr, status } = cost(...args);
    expect(stderr).toContain(error);
    expect([stdout, status]).toEqual(['', 2]);
  });
});

describe('the cost of a pipeline', () => {
  it('is in docs/deployment.md as the model computes it', () => {
    const between = /<!-- BEGIN cost -->\n+([^]*?)\n+<!-- END cost -->/.exec(PAGE)?.[1];
    expect(between).toBe([...HEAD, ...costTable(LOADS, prices)].join('\n'));
  });

  it('begins with two runs of a minute a cycle', () => {
    const { jobs } = monthlyCost({ eventsPerDay: 100_000, topics: 1, bytes: 1_000, cyclesPerDay: 96 }, prices);
    expect(jobs).toBeCloseTo(30 * 96 * 2 * (60 / 3_600) * 2 * 0.44, 6);
  });

  it('grows with every part of the load, and is never below zero', () => {
    fc.assert(
      fc.property(
        load(),
        fc.constantFrom('eventsPerDay', 'topics', 'bytes'),
        fc.integer({ min: 2, max: 10 }),
        (one, part, factor) => {
          const cost = monthlyCost(one, prices);
          const more = monthlyCost({ ...one, [part]: one[part] * factor }, prices);
          expect(Math.min(...(Object.values(cost) as number[]))).toBeGreaterThanOrEqual(0);
          expect(total(more)).toBeGreaterThanOrEqual(total(cost) - 1e-9);
        },
      ),
    );
  });

  it('is proportional to the prices', () => {
    fc.assert(
      fc.property(load(), (one) => {
        const doubled = Object.fromEntries(
          Object.entries(prices).map(([name, price]) => [name, typeof price === 'number' ? price * 2 : price]),
        ) as typeof prices;
        expect(total(monthlyCost(one, doubled))).toBeCloseTo(2 * total(monthlyCost(one, prices)), 3);
      }),
    );
  });
});
