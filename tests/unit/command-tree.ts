/** Walks the commands of a program as its users see them. */
import type { Command } from 'commander';
import { usageExitCode } from '../../packages/cli/src/commands/usage';

/** Each command's name and its whole help, the program's own first. */
export function helpOfAll(program: Command, parents = ''): [name: string, help: string][] {
  const name = `${parents}${program.name()}`;
  let help = '';
  program.configureOutput({ writeOut: (text) => void (help += text), getOutHelpWidth: () => 100 });
  program.outputHelp();
  const below = program.commands.filter((command) => command.name() !== 'help');
  return [[name, help], ...below.flatMap((command) => helpOfAll(command, `${name} `))];
}

/** Runs a command line that ends before any action, and returns its exit code with all that it printed. */
export async function usageOf(
  program: Command,
  args: readonly string[],
): Promise<{ code: number | undefined; output: string }> {
  let output = '';
  const write = (text: string): void => void (output += text);
  for (const command of commandsOf(program)) command.configureOutput({ writeOut: write, writeErr: write });
  try {
    await program.parseAsync(args, { from: 'user' });
    return { code: 0, output };
  } catch (error) {
    return { code: usageExitCode(error), output };
  }
}

function commandsOf(program: Command): Command[] {
  return [program, ...program.commands.flatMap(commandsOf)];
}
