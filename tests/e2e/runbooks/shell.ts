/** A shell as an on-call person has it open: in the repository, with the names of the pipeline and the runbooks' functions. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../../../scripts/local/paths';
import { stackEnvironment } from '../../../scripts/local/exec';
import type { Stack } from '../../../scripts/local/stack';
import { installAwsCli } from './aws-cli';

/** The commands' output goes through a pipe of the shell: what Node gives a child instead cannot be opened as /dev/stdout. */
const WITH_PIPE = 'set -o pipefail; bash -euc "$1" 2>&1 | cat';
/** An operation waits for its Glue job. */
const MAX_MS = 180_000;

export interface Shell {
  /**
   * Runs a block and returns what it prints.
   *
   * @param ends the exit codes that are well; a command that looks for something wrong ends with 1 when it has found it
   * @throws when a command in it fails
   */
  readonly run: (block: string, ends?: readonly number[]) => Promise<string>;
}

/** @param setup the block that a page asks for before its first command */
export async function openShell(stack: Stack, setup: string): Promise<Shell> {
  const env = {
    ...process.env,
    ...stackEnvironment(stack),
    PATH: `${installAwsCli()}${path.delimiter}${process.env['PATH'] ?? ''}`,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const names = await bash('pnpm lean-ops env', env, [0]);
  return { run: async (block, ends = [0]) => bash(`${names}\n${setup}\n${block}`, env, ends) };
}

async function bash(text: string, env: NodeJS.ProcessEnv, ends: readonly number[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', WITH_PIPE, 'bash', text], { cwd: ROOT, env, timeout: MAX_MS });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== null && ends.includes(code)) resolve(output);
      else reject(new Error(`a block ended with ${code ?? 'a signal'}:\n${text.slice(-1_500)}\n---\n${output}`));
    });
  });
}
