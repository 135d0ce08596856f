import { Option } from 'commander';
import { OPERATION_STATES, type OperationState } from '@lean-ops/common/core';
import { operationListText } from '../../format/operations';
import { isStuck, listOperations } from '../../operations/list-operations';
import { readOperationsDeployment } from '../../pipeline/deployment';
import type { Operate } from '../../pipeline/operator';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { outputsOption, wholeNumber } from '../options';
import { parseTopic } from '../schema-plan';

const HELP = `
Exit codes:
  0  nobody has to do anything about one of these operations
  1  one has failed, or nobody works on it, and it has its topic still
  2  wrong usage, or the command could not do its work`;

const DEFAULT_LIMIT = 20;

export interface OpListOptions {
  readonly topic?: string;
  readonly state?: OperationState;
  readonly limit: number;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerOpList: RegisterCommand = (op, { terminal, operate, setExitCode }) => {
  op.command('list')
    .description('the newest operations: what was done to which topic, by whom, and why')
    .option('--topic <topic>', 'only those on this topic')
    .addOption(new Option('--state <state>', 'only those in this state').choices(OPERATION_STATES))
    .addOption(
      new Option('--limit <number>', 'how many of the newest to show')
        .argParser(wholeNumber({ from: 1, to: 1_000 }))
        .default(DEFAULT_LIMIT),
    )
    .addOption(outputsOption())
    .addOption(new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'))
    .addHelpText('after', HELP)
    .action(async (options: OpListOptions) => {
      setExitCode(await opList(options, terminal, operate));
    });
};

/** `op list`. */
export async function opList(options: OpListOptions, terminal: Terminal, operate: Operate): Promise<ExitCode> {
  const { topic, state, limit, outputs, format } = options;
  const filter = { topic: topic === undefined ? undefined : parseTopic(topic), state, limit };
  const deployment = await readOperationsDeployment(outputs, terminal);
  const operator = operate(deployment);
  const operations = await listOperations(filter, deployment, operator);
  terminal.write(
    format === 'json'
      ? `${JSON.stringify({ operations }, null, 2)}\n`
      : operationListText(operations, operator.clock.now(), terminal),
  );
  return operations.some(isStuck) ? EXIT.problems : EXIT.clean;
}
