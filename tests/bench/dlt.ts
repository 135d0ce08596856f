/** Measures dlt for comparison with the cycle: in a virtual environment and a folder of its own, with the same events. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { checkPrerequisites } from '../../scripts/local/prerequisites';
import { ROOT, TOOLS } from '../../scripts/local/paths';
import type { Stack } from '../../scripts/local/stack';
import type { Progress } from '../../scripts/local/python-environment';
import { runLakeScript } from './bench-stack';

const VENV = path.join(TOOLS.dir, 'bench-venv');
const PYTHON = path.join(VENV, 'bin', 'python');
const REQUIREMENTS = path.join(ROOT, 'tests/bench/requirements.txt');
const INSTALL_MS = 600_000;

/** Makes dlt's environment once, and again when the pinned versions change. */
async function installDlt(say: Progress): Promise<void> {
  const stamp = path.join(VENV, 'requirements.sha256');
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
  if (existsSync(PYTHON) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  say('installing dlt');
  rmSync(VENV, { recursive: true, force: true });
  const { python } = await checkPrerequisites();
  await execa(python, ['-m', 'venv', VENV]);
  const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--quiet', '-r', REQUIREMENTS];
  await execa(PYTHON, args, { timeout: INSTALL_MS });
  writeFileSync(stamp, hash);
}

/**
 * Measures the load of one cycle's events.
 *
 * @param history number of cycles whose events are loaded before
 */
export async function measureDlt(
  stack: Stack,
  plan: string,
  history: number,
  say: Progress,
): Promise<{ readonly seconds: number }> {
  await installDlt(say);
  return runLakeScript(stack, 'compare_dlt.py', [plan, String(history)], say, PYTHON);
}
