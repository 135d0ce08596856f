import type { Command } from 'commander';
import { runWithStack } from '../exec';
import { requireStack } from '../stack';
import type { Outputs } from '../terraform';

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
      for (const line of outputLines(stack.outputs)) console.log(line);
    });
}

/** A line for each output, by name. A text is as it is, so that it can be copied; everything else is JSON. */
export function outputLines(outputs: Outputs): readonly string[] {
  const width = Math.max(0, ...Object.keys(outputs).map((name) => name.length));
  return Object.entries(outputs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`);
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
