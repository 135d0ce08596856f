/** Runs the command as its users do, in a process of its own, against the stack. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { awsEnvironment } from '../../scripts/local/emulator-process';
import type { Stack } from '../../scripts/local/stack';

const MAIN = path.resolve(__dirname, '../../packages/cli/src/main.ts');

export interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly error: string;
}

/**
 * A directory for schema files, with the stack's outputs in it, and a function that runs the command there.
 *
 * @param keys the environment variables of the credentials; those of the account's root user when left out
 */
export function leanOps(
  stack: Stack,
  keys: Readonly<Record<string, string>> = {},
): {
  readonly write: (file: string, content: string) => void;
  readonly run: (...args: string[]) => Promise<Ran>;
  /** Runs it and kills it after so many milliseconds, if it has not ended by itself. */
  readonly runKilled: (milliseconds: number, ...args: string[]) => Promise<Ran>;
} {
  const cwd = mkdtempSync(path.join(tmpdir(), 'lean-ops-e2e-'));
  const write = (file: string, content: string): void => writeFileSync(path.join(cwd, file), content);
  write('lean-ops.json', JSON.stringify(stack.outputs));
  const start = (killedAfterMs: number | undefined, args: readonly string[]): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['--import', require.resolve('tsx'), MAIN, ...args], {
        cwd,
        env: {
          ...process.env,
          ...awsEnvironment(stack.port),
          ...keys,
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        },
      });
      let output = '';
      let error = '';
      child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
      child.stderr.on('data', (bytes: Buffer) => (error += bytes.toString()));
      const kill = killedAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killedAfterMs);
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(kill);
        resolve({ code, output, error });
      });
    });
  return {
    write,
    run: (...args) => start(undefined, args),
    runKilled: (milliseconds, ...args) => start(milliseconds, args),
  };
}
