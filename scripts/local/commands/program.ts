/** What the programs of these scripts have in common: usage errors, the version, exit codes, and the user's surroundings. */
import path from 'node:path';
import { Command, Option } from 'commander';
import { portNumber, usageExitCode, withPlainUsage } from '../../../packages/cli/src/commands/usage';
import type { Display } from '../../../packages/cli/src/format/table';
import { displayOf, endWhenUnread } from '../../../packages/cli/src/terminal';
import { version } from '../../../package.json';
import { reportFailure } from '../errors';
import { DEFAULT_PORT } from '../stack';

const EXIT_CODES = `
Exit codes:
  0    done, and nothing is wrong
  1    what was asked about is wrong: messages are lost, a cycle or a test failed
  2    wrong usage, or the command could not do its work
  130  interrupted`;

/** A program before it gets its commands and options, which inherit how usage errors are printed. */
export function newProgram(name: string): Command {
  const streams = {
    writeOut: (text: string) => void process.stdout.write(text),
    writeErr: (text: string) => void process.stderr.write(text),
  };
  return withPlainUsage(new Command(name), streams)
    .version(version, '-V, --version', 'print the version')
    .addHelpText('afterAll', EXIT_CODES);
}

/** The port of a stack. */
export function portOption(): Option {
  return new Option('--port <n>', 'port on 127.0.0.1').argParser(portNumber).env('LEAN_PORT').default(DEFAULT_PORT);
}

/** Runs the command line, prints what went wrong, and sets the exit code of the process. */
export async function runProgram(program: Command): Promise<void> {
  endWhenUnread(process.stdout);
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = usageExitCode(error) ?? reportFailure(error);
  }
}

/** The terminal as it is now: its width changes with its window. */
export function display(): Display {
  return displayOf(process.env, process.stdout);
}

/** A path that the user gave. pnpm runs scripts in the folder of the package and says in INIT_CWD where the user is. */
export function userPath(file: string): string {
  return path.resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
}
