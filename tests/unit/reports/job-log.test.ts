/** Reads the log files of jobs as `pnpm local logs` does. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { jobLog } from '../../../scripts/local/reports/logs';
import type { Stack } from '../../../scripts/local/stack';

let logs: string;
beforeEach(() => {
  logs = mkdtempSync(path.join(tmpdir(), 'lean-ops-logs-'));
  mkdirSync(path.join(logs, 'glue'));
});
afterEach(() => rmSync(logs, { recursive: true }));

const stack = (): Stack =>
  ({ paths: { logs }, outputs: { firehose_stream_name: 'lean-ops-events' } }) as unknown as Stack;
const file = (run: string): string => path.join(logs, 'glue', `lean-ops-standardized-jr_${run}.log`);

it('prints the last line of a run that ended without a line break', async () => {
  writeFileSync(file('1'), 'one\n\ntwo');
  expect(await jobLog(stack(), 'standardized', { follow: false })()).toEqual(['one', '', 'two']);
});

it('follows by whole lines and whole characters', async () => {
  const whole = Buffer.from('grün\n');
  writeFileSync(file('1'), whole.subarray(0, 3));
  const read = jobLog(stack(), 'standardized', { follow: true });
  expect(await read()).toEqual([]);
  appendFileSync(file('1'), whole.subarray(3));
  expect(await read()).toEqual(['grün']);
  expect(await read()).toEqual([]);
});
