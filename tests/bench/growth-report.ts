/** Prints the result of the growth benchmark for people. */
import type { Cell } from '../../packages/cli/src/format/table';
import type { GrowthResult } from './growth';
import { printTable } from './print-table';

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);

export function printGrowth(result: GrowthResult): void {
  console.log(
    `${result.machine}; a cycle of 1,000 events of the newest day; ${result.rows_a_day} rows of history a day\n`,
  );
  const rows: Cell[][] = [];
  for (const [name, growth] of [['yes', result] as const, ['no', result.unstable] as const])
    for (const [days, { standardized, curated }] of Object.entries(growth.parts)) {
      const bytes = [
        growth.bytes[days] ?? NaN,
        standardized.data,
        standardized.metadata,
        curated.data,
        curated.metadata,
      ];
      rows.push([name, days, (growth.seconds[days] ?? NaN).toFixed(1), ...bytes.map(mib)]);
    }
  printTable(
    ['x-event-time-stable'],
    ['days', 's', 'MiB read', 'Standardized data', 'Standardized metadata', 'Curated data', 'Curated metadata'],
    rows,
  );
}
