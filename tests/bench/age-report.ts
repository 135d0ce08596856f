/** Prints the result of the benchmark of age for people. */
import type { Cell } from '../../packages/cli/src/format/table';
import type { AgeResult } from './age';
import { COMPARED, WARM_UP, type FirstAndLast } from './age-findings';
import { printTable } from './print-table';

const KIB = 2 ** 10;

export function printAge(result: AgeResult): void {
  const { maintenance } = result;
  console.log(
    `${result.machine}; ${result.cycles} cycles of ${result.topics} topics and ${result.commits} commits to RAW in ` +
      `${result.days} days of a life, lived in ${(result.lived_seconds / 60).toFixed(0)} minutes\n`,
  );
  console.log(`medians of ${COMPARED} cycles each, after ${WARM_UP} that are left out`);
  const row = (name: string, { first, last }: FirstAndLast, digits: number): Cell[] => [
    name,
    first.toFixed(digits),
    last.toFixed(digits),
    first === 0 ? '' : (last / first).toFixed(2),
  ];
  const kib = ({ first, last }: FirstAndLast): FirstAndLast => ({ first: first / KIB, last: last / KIB });
  printTable(
    ['a cycle'],
    ['first', 'last', 'last ÷ first'],
    [
      row('seconds', result.cycle_seconds, 1),
      row('seconds of CPU', result.cpu_seconds, 1),
      row('KiB read', kib(result.bytes_read), 0),
      row('requests a topic', result.requests_per_topic, 1),
      ...Object.entries(result.operations).map(([name, count]) => row(`  ${name}`, count, 0)),
      ...Object.entries(result.parts).map(([name, { bytes }]) => row(`  KiB of ${name}`, kib(bytes), 0)),
    ],
  );
  console.log('\nin the end');
  printTable(
    ['table'],
    ['metadata KiB', 'snapshots', 'files'],
    Object.entries(result.metadata_bytes).map(([name, bytes]): Cell[] => [
      name.replace('topic_max', 'a topic, at most').replace('raw', 'RAW'),
      (bytes / KIB).toFixed(0),
      result.snapshots[name] ?? 0,
      result.files[name] ?? 0,
    ]),
  );
  const done = Object.entries(maintenance.done).map(([what, count]) => `${what} ${count}`);
  console.log(
    `\n${result.objects} objects, ${result.unreferenced} of them named by no table, ${result.unreferenced_overdue} of ` +
      `those past their bound; ${result.orphans_left} had been left on purpose.`,
  );
  console.log(
    `${maintenance.runs} runs of maintenance in ${sum(maintenance.seconds).toFixed(0)} s: ${done.join(', ')}; ` +
      `left to the next run: ${maintenance.waiting}.`,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
