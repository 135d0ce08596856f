import type { Command } from 'commander';
import type { Connect } from '../pipeline/aws-clients';
import type { ExitCode, Terminal } from '../terminal';

/** What a command is registered with. */
export interface Context {
  readonly terminal: Terminal;
  readonly connect: Connect;
  /** Takes what the shell learns, once the command has ended. */
  readonly done: (code: ExitCode) => void;
}

/** Adds one command to `lean-ops schema`. */
export type Register = (schema: Command, context: Context) => void;
