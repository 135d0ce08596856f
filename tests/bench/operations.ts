/** Measures operations beside normal cycles of the same rows, on tables in a folder and ports in memory. */
import path from 'node:path';
import { execa } from 'execa';
import { ROOT, TOOLS } from '../../scripts/local/paths';
import { installJars, type Progress } from '../../scripts/local/python-environment';
import { printTable } from './print-table';

interface RebuildResult {
  readonly rows: number;
  /** Seconds of a cycle of both layers, of the build beside the tables, and of the swap while the topic is held. */
  readonly cycle_seconds: number;
  readonly build_seconds: number;
  readonly swap_seconds: number;
}

interface ReplayResult {
  readonly rows: number;
  /**
   * Seconds of a cycle that rejects all rows, of the queries of `errors top` and of a dry `errors replay`, of the replay under a
   * mended schema, and of a cycle that takes as many.
   */
  readonly rejecting_seconds: number;
  readonly top_seconds: number;
  readonly plan_seconds: number;
  readonly replay_seconds: number;
  readonly cycle_seconds: number;
}

/** Runs a script of tests/bench/lake with a number of rows, and gives the JSON that it prints last. */
async function measure<R>(script: string, rows: number, say: Progress): Promise<R> {
  const jars = await installJars(say);
  const { stdout } = await execa(TOOLS.python, [path.join(ROOT, 'tests/bench/lake', script), String(rows)], {
    env: { LEAN_SPARK_JARS: jars.join(','), PYTHONDONTWRITEBYTECODE: '1' },
    stdin: 'ignore',
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as R;
}

/** @param rows how many the topic has in RAW */
export async function benchRebuild(rows: number, say: Progress): Promise<RebuildResult> {
  say('one cycle, and then a rebuild, of the same rows');
  return measure('rebuild_speed.py', rows, say);
}

/** @param rows how many errors the topic has */
export async function benchReplay(rows: number, say: Progress): Promise<ReplayResult> {
  say('one cycle that rejects its rows, the queries about them, their replay, and a cycle that takes as many');
  return measure('replay_speed.py', rows, say);
}

/** Prints what took how many seconds, and how many rows a second that is where `rows` are counted. */
function printSeconds(rows: number, lines: readonly (readonly [what: string, seconds: number, rated?: false])[]): void {
  const rate = (seconds: number): string => Math.round(rows / seconds).toLocaleString('en-US');
  printTable(
    ['of ' + rows.toLocaleString('en-US') + ' rows'],
    ['s', 'rows/s'],
    lines.map(([what, seconds, rated]) => [what, seconds.toFixed(1), rated === false ? '' : rate(seconds)]),
  );
}

export function printRebuild(result: RebuildResult): void {
  printSeconds(result.rows, [
    ['a normal cycle', result.cycle_seconds],
    ['a rebuild from RAW', result.build_seconds + result.swap_seconds],
    ['of which the topic is held', result.swap_seconds, false],
  ]);
}

export function printReplay(result: ReplayResult): void {
  printSeconds(result.rows, [
    ['a cycle that rejects all', result.rejecting_seconds],
    ['errors top, as the local Athena runs it', result.top_seconds, false],
    ['the plan of their replay, likewise', result.plan_seconds, false],
    ['their replay', result.replay_seconds],
    ['a cycle that takes as many', result.cycle_seconds],
  ]);
}
