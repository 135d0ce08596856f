/** Prints the result of the cycle benchmark for people. */
import type { Cell } from '../../packages/cli/src/format/table';
import { median } from './median';
import { printTable } from './print-table';
import { LAYERS } from './bench-stack';
import type { CycleResult } from './cycle';

export function printCycle(result: CycleResult): void {
  const { topics, events, seconds, merge, dlt, floor } = result;
  const ours = seconds.standardized + seconds.curated;
  console.log(`${result.machine}; a cycle of ${topics} topics × ${events} events on the local stack\n`);
  const rows: Cell[][] = [];
  const add = (name: string, layers: string, total: number, ratio: number | null): void => {
    const cells = [total.toFixed(1), ((total / topics) * 1000).toFixed(0), ratio === null ? '' : ratio.toFixed(2)];
    rows.push([name, layers, ...cells]);
  };
  add('ours', 'Standardized', seconds.standardized, null);
  add('', 'Curated', seconds.curated, null);
  add('', 'both', ours, 1);
  if (merge) add(`MERGE, ${merge.sample} topics, scaled to ${topics}`, 'one', merge.scaled_seconds, result.vs_merge);
  if (dlt) add('dlt, Iceberg, upsert', 'one', dlt.seconds, result.vs_dlt);
  if (floor) add('floor: parse, append to one table', 'one', floor.seconds, result.vs_floor);
  printTable(['what', 'layers'], ['s', 'ms a topic', '÷ ours'], rows);
  if (result.measured.some(({ runs }) => runs.length > 1) || result.measured.length > 1) printSettings(result);
  console.log(
    `\n1 % of the events are corrections, 1 % copies. Afterwards ${result.rows.standardized} rows in Standardized, ` +
      `${result.rows.curated} in Curated; ledger and rows balance. Spark's driver: ${result.driver_peak_mb} MB at most.`,
  );
}

/** The medians of both layers together, for each of the settings that were measured in turn. */
function printSettings({ measured, latency, cold }: CycleResult): void {
  const how = [latency ? "AWS's waits" : 'no waits', cold ? 'a new JVM for each run' : 'a warm JVM'].join(', ');
  console.log(`\nmedians of both layers, seconds; ${how}`);
  const rows = measured.map(({ settings, runs }): Cell[] => {
    const columns = (['seconds', 'jvm_cpu', 'jvm_cpu_since_start', 'jit', 'python_cpu'] as const).map((name) =>
      median(runs.map((run) => LAYERS.reduce((sum, layer) => sum + run[layer][name], 0))).toFixed(1),
    );
    const shown = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    return [shown.join(', ') || 'ours', runs.length, ...columns];
  });
  printTable(['settings'], ['runs', 'clock', 'CPU of JVM', 'since its start', 'of JIT', 'CPU of Python'], rows);
}
