import { Option } from 'commander';
import { planHold } from '../../operations/plan';
import type { RegisterCommand } from '../command';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';
import { parseUntil, untilIso, type Until } from './until';

interface HoldOptions extends OperateOptions {
  readonly until?: Until;
}

export const registerTopicHold: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('hold')
    .description('keep every writer away from the tables of a topic; RAW and cycle_delta go on taking its events')
    .argument('<topic>', 'the topic')
    .addOption(
      new Option('--until <time>', 'past it an alarm goes off: 30m, 12h, 2d, or a time in UTC').argParser(parseUntil),
    );
  withOperateOptions(command).action(async (name: string, options: HoldOptions) => {
    setExitCode(
      await operateTopic(name, options, terminal, operate, (situation, { cycleDeltaKeptDays }) =>
        planHold(situation, options.until && untilIso(options.until, situation.now), cycleDeltaKeptDays),
      ),
    );
  });
};
