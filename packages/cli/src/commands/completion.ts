import path from 'node:path';
import { Argument, type Command } from 'commander';
import type { CommandContext } from './command';
import { completionScript, placesOf, SHELLS, type Shell } from './completion-script';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/lean-ops.mjs');

/** Adds `lean-ops completion`, which has to come last: it knows the commands that are there. */
export function registerCompletion(program: Command, { terminal }: CommandContext): void {
  program
    .command('completion')
    .description(
      'print a script with which a shell completes lean-ops: source <(pnpm --silent lean-ops completion bash)',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => terminal.write(completionScript(shell, placesOf(program), PROGRAM)));
}
