import type { Command } from 'commander';
import { registerApply } from './apply';
import { registerCycle } from './cycle';
import { registerLogs } from './logs';
import { registerExec, registerOutputs } from './outputs-exec';
import { newProgram } from './program';
import { registerQuery } from './query';
import { registerSend } from './send';
import { registerStatus } from './status';
import { registerTopics } from './topics';
import { registerDown, registerUp } from './up-down';

/** `pnpm local` with all its commands. */
export function localProgram(): Command {
  const program = newProgram('pnpm local')
    .description(
      'Run the whole lean-ops cloud on this machine, bound to 127.0.0.1. LEAN_STACK names the stack (default: default).',
    )
    // Options after a command's name belong to that command, because `exec` hands them on.
    .enablePositionalOptions();
  for (const register of [
    registerUp,
    registerApply,
    registerStatus,
    registerSend,
    registerCycle,
    registerTopics,
    registerQuery,
    registerLogs,
    registerOutputs,
    registerExec,
    registerDown,
  ])
    register(program);
  return program;
}
