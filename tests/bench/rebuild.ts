/** Measures a rebuild from RAW beside a normal cycle of the same rows, on tables in a folder and ports in memory. */
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

/** @param rows how many the topic has in RAW */
export async function benchRebuild(rows: number, say: Progress): Promise<RebuildResult> {
  say('one cycle, and then a rebuild, of the same rows');
  const jars = await installJars(say);
  const { stdout } = await execa(TOOLS.python, [path.join(ROOT, 'tests/bench/lake/rebuild_speed.py'), String(rows)], {
    env: { LEAN_SPARK_JARS: jars.join(','), PYTHONDONTWRITEBYTECODE: '1' },
    stdin: 'ignore',
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as RebuildResult;
}

export function printRebuild(result: RebuildResult): void {
  const rate = (seconds: number): string => Math.round(result.rows / seconds).toLocaleString('en-US');
  const rebuilt = result.build_seconds + result.swap_seconds;
  printTable(
    ['of ' + result.rows.toLocaleString('en-US') + ' rows'],
    ['s', 'rows/s'],
    [
      ['a normal cycle', result.cycle_seconds.toFixed(1), rate(result.cycle_seconds)],
      ['a rebuild from RAW', rebuilt.toFixed(1), rate(rebuilt)],
      ['of which the topic is held', result.swap_seconds.toFixed(1), ''],
    ],
  );
}
