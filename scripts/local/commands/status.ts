import path from 'node:path';
import type { Command } from 'commander';
import { output } from '../clients';
import { readPending } from '../drain';
import { endpointOf, readStatus, type EmulatorStatus } from '../emulator-process';
import { EXIT } from '../errors';
import { stackPaths } from '../paths';
import { numberOfLetters, readDeadLetters, renderDeadLetters } from '../reports/dead-letters';
import { findStack, type Stack } from '../stack';

/** The exit code when no stack runs; scripts tell it from a stack in trouble. */
const DOWN = 3;

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('print what runs, what is under way, what went to the archive, and the addresses')
    .addHelpText('after', `\nWithout a running stack it ends with ${DOWN}.`)
    .action(async () => {
      const paths = stackPaths();
      const stack = findStack(paths);
      if (stack === undefined) {
        console.log(`The local stack ${paths.name} is down. Start it: \`pnpm local up\`.`);
        process.exitCode = DOWN;
        return;
      }
      const status = await readStatus(stack.port);
      if (status === undefined || status.spark === 'failed') process.exitCode = EXIT.wrong;
      const spark = status === undefined ? 'the stack does not answer' : `Spark is ${status.spark}`;
      console.log(`The local stack ${stack.name} is up since ${stack.startedAt} (process ${stack.pid}); ${spark}.`);
      const complete = Object.keys(stack.outputs).length > 0;
      if (status !== undefined && complete) await printMessages(stack, status);
      console.log('');
      for (const [name, value] of addresses(stack, complete)) console.log(`${name.padEnd(16)}${value}`);
    });
}

async function printMessages(stack: Stack, { firehose: streams }: EmulatorStatus): Promise<void> {
  const { queue, firehose, dlq } = await readPending(stack);
  console.log(`Under way: ${queue} in the queue, ${firehose} in Firehose, ${dlq} in the DLQ.`);
  const letters = await readDeadLetters(stack);
  console.log(
    numberOfLetters(letters) === 0
      ? 'Nothing went to the archive.'
      : renderDeadLetters(letters, 'since the stack came up'),
  );
  const delivered = Object.values(streams).reduce((sum, stream) => sum + stream.delivered, 0);
  if (numberOfLetters(letters) === 0 || queue + firehose + delivered > 0) return;
  console.log('No message became a row: all of them went to the archive.');
  process.exitCode = EXIT.wrong;
}

function addresses(stack: Stack, complete: boolean): readonly (readonly [string, string])[] {
  const here: readonly (readonly [string, string])[] = [
    ['endpoint', endpointOf(stack.port)],
    ['logs', path.relative(process.cwd(), stack.paths.logs)],
  ];
  if (!complete) return here;
  return [
    ...here,
    ['ingest queue', output(stack, 'ingest_queue_url')],
    ['DLQ', output(stack, 'dlq_url')],
    ['lake', `s3://${output(stack, 'lake_bucket')}`],
    ['schemas', `s3://${output(stack, 'schema_bucket')}`],
    ['archive', `s3://${output(stack, 'dlq_archive_bucket')}`],
    ['state machine', output(stack, 'state_machine_arn')],
  ];
}
