import { Option } from 'commander';
import { CliError } from '../../errors';
import { topicStatesText, topicStateText } from '../../format/topic-plan';
import { needsSomebody, readNoteworthyTopics, readTopicState, type TopicState } from '../../operations/topic-states';
import { readOperationsDeployment } from '../../pipeline/deployment';
import type { Operate } from '../../pipeline/operator';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { outputsOption } from '../options';
import { parseTopic } from '../schema-plan';

const HELP = `
Exit codes:
  0  nobody has to do anything
  1  a hold is past its --until, a rewind is proposed, or an operation failed or died and
     has its topic still
  2  wrong usage, or the command could not do its work`;

export interface TopicStatusOptions {
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerTopicStatus: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  topic
    .command('status')
    .description('which topics are held: since when, by whom, why, until when, and what waits')
    .argument('[topic]', 'one topic (default: all that are held, or that an operation is at work on)')
    .addOption(outputsOption())
    .addOption(new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'))
    .addHelpText('after', HELP)
    .action(async (name: string | undefined, options: TopicStatusOptions) => {
      setExitCode(await topicStatus(name, options, terminal, operate));
    });
};

/** `topic status`: one topic, or all of which there is anything to say. */
export async function topicStatus(
  name: string | undefined,
  { outputs, format }: TopicStatusOptions,
  terminal: Terminal,
  operate: Operate,
): Promise<ExitCode> {
  const topic = name === undefined ? undefined : parseTopic(name);
  const deployment = await readOperationsDeployment(outputs, terminal);
  const operator = operate(deployment);
  const states: TopicState[] = [];
  if (topic === undefined) states.push(...(await readNoteworthyTopics(deployment, operator)));
  else {
    const state = await readTopicState(topic, deployment, operator);
    if (state === undefined)
      throw new CliError(`no event and no schema of a topic ${topic} was ever seen, so its name may be misspelt.`);
    states.push(state);
  }
  const now = operator.clock.now();
  terminal.write(
    format === 'json'
      ? `${JSON.stringify({ topics: states }, null, 2)}\n`
      : topic === undefined
        ? topicStatesText(states, now, terminal)
        : states.map((state) => topicStateText(state, now)).join(''),
  );
  return states.some(needsSomebody) ? EXIT.problems : EXIT.clean;
}
