import path from 'node:path';
import { Option } from 'commander';
import { lacksOutputs, plainOutputs, readOutputs } from '../pipeline/deployment';
import { asShellLines, shellEnvironment } from '../pipeline/shell-environment';
import { EXIT, type ExitCode, type Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { outputsOption } from './options';

const HELP = `
Use it by
  eval "$(pnpm lean-ops env)"                            on AWS, beside lean-ops.json
  eval "$(pnpm local exec -- pnpm lean-ops env)"         on the local stack

It sets PREFIX, AWS_REGION, LEAN_OPS_OUTPUTS, a variable for each Terraform output (INGEST_QUEUE_URL, LAKE_BUCKET, …),
and {LAYER}_DATABASE for each layer. It prints no credentials of AWS.`;

export interface EnvOptions {
  readonly outputs?: string;
  readonly format: 'sh' | 'json';
}

export const registerEnv: RegisterCommand = (program, { terminal, setExitCode }) => {
  program
    .command('env')
    .description('print the names of a pipeline as shell variables, for the commands of the runbooks')
    .addOption(outputsOption())
    .addOption(new Option('--format <format>', 'for a shell, or for programs').choices(['sh', 'json']).default('sh'))
    .addHelpText('after', HELP)
    .action(async (options: EnvOptions) => {
      setExitCode(await printEnvironment(options, terminal));
    });
};

async function printEnvironment({ outputs: given, format }: EnvOptions, terminal: Terminal): Promise<ExitCode> {
  const { file, outputs } = await readOutputs(given, terminal);
  const made = shellEnvironment({
    outputs: plainOutputs(outputs),
    file: path.resolve(terminal.cwd, file),
    env: terminal.env,
  });
  if (!made.ok) {
    throw lacksOutputs(
      file,
      made.missing.map((name) => `the output ${name} is missing`),
    );
  }
  const { environment } = made;
  terminal.write(format === 'json' ? `${JSON.stringify(environment.set, null, 2)}\n` : asShellLines(environment));
  return EXIT.clean;
}
