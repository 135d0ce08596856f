import { Option } from 'commander';
import { CliError } from '../../errors';
import { planCompact } from '../../operations/plan';
import { readTableSizes } from '../../operations/table-sizes';
import type { RegisterCommand } from '../command';
import { wholeNumber } from '../options';
import { compactAll } from './compact-all';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';

export interface CompactOptions extends OperateOptions {
  readonly all: boolean;
  /** The most topics of a run with --all. */
  readonly limit: number;
}

const DEFAULT_LIMIT = 10;

export const registerTopicCompact: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('compact')
    .description(
      "join the files of a topic's tables, apply their deletes, expire snapshots; the topic is held meanwhile",
    )
    .argument('[topic]', 'the topic')
    .option('--all', 'every topic that gains by it, one after another, those first that gain most', false)
    .addOption(
      new Option('--limit <number>', 'with --all: how many topics at the most')
        .argParser(wholeNumber({ from: 1, to: 1_000 }))
        .default(DEFAULT_LIMIT),
    );
  withOperateOptions(command).action(async (name: string | undefined, options: CompactOptions) => {
    if (options.all === (name !== undefined)) throw new CliError('name a topic, or give --all.');
    setExitCode(
      name === undefined
        ? await compactAll(options, terminal, operate)
        : await operateTopic(name, options, terminal, operate, async (situation, deployment, operator) => {
            const table = situation.item?.['table_name'];
            return planCompact(situation, await readTableSizes(situation.topic, table, deployment, operator));
          }),
    );
  });
};
