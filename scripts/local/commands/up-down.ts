import path from 'node:path';
import type { Command } from 'commander';
import { awsEnvironment } from '../emulator-process';
import { onInterrupt } from '../interrupt';
import { stackPaths } from '../paths';
import { requireStack, takeDown, upSteps } from '../stack';
import { runSteps } from '../steps';
import { portOption } from './program';

export function registerUp(program: Command): void {
  program
    .command('up')
    .description('start the stack and apply Terraform to it')
    .addOption(portOption())
    .action(async (options: { port: number }) => {
      const steps = await upSteps(options);
      onInterrupt(async () => takeDown());
      try {
        await runSteps(steps);
      } catch (error) {
        await takeDown(); // A stack that came up only in part is of no use.
        throw error;
      }
      const stack = requireStack();
      console.log(
        `\nThe local stack ${stack.name} is up at http://127.0.0.1:${stack.port}. For the AWS CLI or an SDK:\n`,
      );
      for (const [name, value] of Object.entries(awsEnvironment(stack.port)).filter(([name]) =>
        /URL|KEY|_REGION$/.test(name),
      ))
        console.log(`  export ${name}=${value}`);
      console.log(
        '\nNext: pnpm local send FILE --topic T · pnpm local cycle · pnpm local topics · pnpm local query "SQL" · pnpm local down',
      );
    });
}

export function registerDown(program: Command): void {
  program
    .command('down')
    .description('end the stack and delete its data; its logs stay')
    .action(async () => {
      const paths = stackPaths();
      const logs = path.relative(process.cwd(), paths.logs);
      console.log(
        (await takeDown(paths))
          ? `The local stack ${paths.name} is down, and its data is gone. Its logs stay in ${logs} until the next \`pnpm local up\`.`
          : `No local stack ${paths.name} was running.`,
      );
    });
}
