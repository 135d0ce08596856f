/** Prints the result of the cycle benchmark for people. */
import Table from 'cli-table3';
import type { CycleResult } from './cycle';

export function printCycle(result: CycleResult): void {
  const { topics, events, seconds, merge, dlt, floor } = result;
  const ours = seconds.standardized + seconds.curated;
  console.log(`${result.machine}; a cycle of ${topics} topics × ${events} events on the local stack\n`);
  const table = new Table({
    head: ['', 'layers', 's', 'ms a topic', '÷ ours'],
    colAligns: ['left', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  const add = (name: string, layers: string, total: number, ratio: number | null): void => {
    const cells = [total.toFixed(1), ((total / topics) * 1000).toFixed(0), ratio === null ? '' : ratio.toFixed(2)];
    table.push([name, layers, ...cells]);
  };
  add('ours', 'Standardized', seconds.standardized, null);
  add('', 'Curated', seconds.curated, null);
  add('', 'both', ours, 1);
  if (merge) add(`MERGE, ${merge.sample} topics, scaled to ${topics}`, 'one', merge.scaled_seconds, result.vs_merge);
  if (dlt) add('dlt, Iceberg, upsert', 'one', dlt.seconds, result.vs_dlt);
  if (floor) add('floor: parse, append to one table', 'one', floor.seconds, result.vs_floor);
  console.log(table.toString());
  console.log(
    `\n1 % of the events are corrections, 1 % copies. Afterwards ${result.rows.standardized} rows in Standardized, ` +
      `${result.rows.curated} in Curated; ledger and rows balance. Spark's driver: ${result.driver_peak_mb} MB at most.`,
  );
}
