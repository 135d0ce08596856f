import type { Command } from 'commander';
import type { Connect } from '../pipeline/aws-clients';
import type { Observe } from '../pipeline/observer';
import type { Operate } from '../pipeline/operator';
import type { Redeliver } from '../pipeline/redeliverer';
import type { ExitCode, Terminal } from '../terminal';

/** Everything a command needs from the program that registers it. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly connect: Connect;
  /** Connects to what knows how a pipeline is doing. */
  readonly observe: Observe;
  /** Connects to what the commands on topics and operations need. */
  readonly operate: Operate;
  /** Connects to what dead letters are sent to. */
  readonly redeliver: Redeliver;
  /** Takes the exit code that the shell gets once the command has ended. */
  readonly setExitCode: (code: ExitCode) => void;
}

/** Adds one command to a group such as `lean-ops schema`. */
export type RegisterCommand = (schema: Command, context: CommandContext) => void;
