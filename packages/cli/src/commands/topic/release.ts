import { planRelease } from '../../operations/plan';
import type { RegisterCommand } from '../command';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';

export const registerTopicRelease: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('release')
    .description('give a held topic back; the next cycle takes what it has missed')
    .argument('<topic>', 'the topic');
  withOperateOptions(command).action(async (name: string, options: OperateOptions) => {
    setExitCode(await operateTopic(name, options, terminal, operate, planRelease));
  });
};
