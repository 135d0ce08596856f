import type { Command } from 'commander';
import { databases, output } from '../clients';
import { runWithStack } from '../exec';
import { requireStack } from '../stack';

export function registerOutputs(program: Command): void {
  program
    .command('outputs')
    .description("print Terraform's outputs")
    .option('--json', 'print one JSON object')
    .action((options: { json?: boolean }) => {
      const stack = requireStack();
      if (options.json === true) {
        console.log(JSON.stringify(stack.outputs));
        return;
      }
      for (const name of Object.keys(stack.outputs).sort())
        console.log(
          `${name.padEnd(24)} ${name === 'databases' ? JSON.stringify(databases(stack)) : output(stack, name)}`,
        );
    });
}

export function registerExec(program: Command): void {
  program
    .command('exec')
    .description(
      "run a command with the stack's AWS_* variables and LEAN_OPS_OUTPUTS: pnpm local exec -- COMMAND ARGS…",
    )
    .argument('<command>')
    .argument('[args...]')
    .passThroughOptions()
    .action(async (command: string, args: string[]) => {
      process.exitCode = await runWithStack(requireStack(), command, args);
    });
}
