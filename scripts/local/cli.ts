/** `pnpm local …`: starts, uses and ends the whole cloud on this machine. */
import { existsSync } from 'node:fs';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { runCycle } from './cycle';
import { databases, output } from './clients';
import { awsEnvironment, readStatus } from './emulator-process';
import { runWithStack } from './exec';
import { reportFailure, UserError } from './errors';
import { onInterrupt } from './interrupt';
import { ledgerTable } from './ledger';
import { readPending } from './drain';
import { query } from './query';
import { readMessages, sendMessages } from './send';
import { DEFAULT_PORT, findStack, requireStack, takeDown, upSteps } from './stack';
import { stackPaths } from './paths';
import { runSteps } from './steps';

const program = new Command('pnpm local')
  .description('The whole lean-ops cloud on this machine, bound to 127.0.0.1.')
  // Options after a command's name belong to that command, because `exec` hands them on.
  .enablePositionalOptions();

program
  .command('up')
  .description('start the stack and apply Terraform to it')
  .option('--port <n>', 'port on 127.0.0.1', parsePort, DEFAULT_PORT)
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
    console.log(`\nUp at http://127.0.0.1:${stack.port}. Use the AWS CLI or an SDK with:\n`);
    for (const [name, value] of Object.entries(awsEnvironment(stack.port)).filter(([name]) =>
      /URL|KEY|_REGION$/.test(name),
    ))
      console.log(`  export ${name}=${value}`);
    console.log('\nNext: pnpm local send FILE --topic T · pnpm local cycle · pnpm local query "SQL" · pnpm local down');
  });

program
  .command('down')
  .description('end the stack; nothing stays behind but its logs')
  .action(async () => console.log((await takeDown()) ? 'The local stack is down.' : 'No local stack was running.'));

program
  .command('status')
  .description('what runs, and what is under way')
  .action(async () => {
    const stack = findStack();
    if (stack === undefined) {
      console.log('down');
      process.exitCode = 3;
      return;
    }
    const status = await readStatus(stack.port);
    const now = Object.keys(stack.outputs).length === 0 ? undefined : await readPending(stack);
    console.log(
      `up at http://127.0.0.1:${stack.port} (pid ${stack.pid}) since ${stack.startedAt}; Spark ${status?.spark ?? 'does not answer'}`,
    );
    if (now !== undefined) console.log(`under way: queue ${now.queue}, Firehose ${now.firehose}, DLQ ${now.dlq}`);
    console.log(`logs: ${stackPaths().logs}`);
  });

program
  .command('send')
  .description('send an NDJSON file: whole envelopes, or bare payloads with --topic')
  .argument('<file>')
  .option('--topic <topic>', 'topic_name attribute for every line')
  .action(async (file: string, options: { topic?: string }) => {
    if (!existsSync(file)) throw new UserError(`${file} is not there.`);
    const messages = await readMessages(file, options.topic);
    const stack = requireStack();
    const result = await sendMessages(stack, messages, (sent) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${sent}/${messages.length}`);
    });
    if (process.stderr.isTTY) process.stderr.write('\r');
    console.log(`sent ${result.accepted} of ${messages.length} messages`);
    for (const refusal of result.refused.slice(0, 20))
      console.error(`  message ${refusal.index + 1}: ${refusal.reason}`);
    if (result.refused.length > 0)
      throw new UserError(`SQS refused ${result.refused.length} messages: mend and send them again.`);
  });

program
  .command('cycle')
  .description('wait until what was sent has landed, then run one cycle')
  .action(async () => {
    const stack = requireStack();
    let last = '';
    const outcome = await runCycle(stack, (line) => {
      if (line !== last) console.log(`  ${(last = line)}`);
    });
    console.log(`cycle ${outcome.cycleId ?? '(none)'}: ${outcome.reason ?? ''} in ${outcome.seconds.toFixed(1)} s`);
    if (outcome.cycleId !== undefined && outcome.states.includes('Standardized'))
      console.log(await ledgerTable(stack, outcome.cycleId));
  });

program
  .command('query')
  .description('run SQL through the Athena API')
  .argument('<sql>')
  .option('--json', 'one JSON array of objects')
  .action(async (sql: string, options: { json?: boolean }) => {
    const result = await query(requireStack(), sql);
    if (options.json === true) {
      console.log(
        JSON.stringify(
          result.rows.map((row) => Object.fromEntries(result.columns.map((column, at) => [column, row[at] ?? null]))),
        ),
      );
      return;
    }
    const table = new Table({ head: [...result.columns], style: { head: [], border: [] } });
    for (const row of result.rows) table.push(row.map((cell) => cell ?? 'NULL'));
    if (result.columns.length > 0) console.log(table.toString());
    console.log(`${result.rows.length} rows`);
  });

program
  .command('outputs')
  .description("Terraform's outputs")
  .option('--json', 'as one JSON object')
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

program
  .command('exec')
  .description("run a command with the stack's AWS_* variables and LEAN_OPS_OUTPUTS: pnpm local exec -- COMMAND ARGS…")
  .argument('<command>')
  .argument('[args...]')
  .passThroughOptions()
  .action(async (command: string, args: string[]) => {
    process.exitCode = await runWithStack(requireStack(), command, args);
  });

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new InvalidArgumentError('a port is a whole number from 1 to 65535');
  return port;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
