import { planRelease } from '../../operations/plan';
import type { RegisterCommand } from '../command';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';

interface ReleaseOptions extends OperateOptions {
  readonly acceptGap: boolean;
}

export const registerTopicRelease: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('release')
    .description('give a held topic back; the next cycle takes what it has missed')
    .argument('<topic>', 'the topic')
    .option(
      '--accept-gap',
      'let the topic go on without the rows that cycle_delta has lost (TABLE_ROLLED_BACK, DELTA_GONE)',
      false,
    );
  withOperateOptions(command).action(async (name: string, options: ReleaseOptions) => {
    setExitCode(
      await operateTopic(name, options, terminal, operate, (situation) => planRelease(situation, options.acceptGap)),
    );
  });
};
