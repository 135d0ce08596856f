/** `pnpm local exec -- COMMAND ARGS…`: runs any command against the stack. */
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { execa } from 'execa';
import { awsEnvironment } from './emulator-process';
import { UserError } from './errors';
import type { Stack } from './stack';

/** The environment variables by which a command finds the stack. Also writes the file that LEAN_OPS_OUTPUTS names. */
export function stackEnvironment(stack: Stack): Record<string, string> {
  writeFileSync(stack.paths.outputs, `${JSON.stringify(stack.outputs, null, 2)}\n`);
  return { ...awsEnvironment(stack.port), LEAN_OPS_OUTPUTS: stack.paths.outputs };
}

/**
 * Runs the command where the user is, on the user's terminal.
 *
 * @returns its exit code, or 128 plus the signal's number when a signal ended it
 * @throws {UserError} when there is no such command
 */
export async function runWithStack(stack: Stack, command: string, args: readonly string[]): Promise<number> {
  const env: Record<string, string | undefined> = { ...process.env, ...stackEnvironment(stack) };
  // The user's own profile or session would take precedence over the stack's credentials.
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN']) Reflect.deleteProperty(env, name);
  const result = await execa(command, args, {
    cwd: process.env['INIT_CWD'] ?? process.cwd(),
    env,
    extendEnv: false,
    preferLocal: true,
    stdio: 'inherit',
    reject: false,
  });
  if (result.code === 'ENOENT') throw new UserError(`${command} is not there, or is no command.`);
  if (result.exitCode !== undefined) return result.exitCode;
  return result.signal === undefined ? 1 : 128 + constants.signals[result.signal];
}
