import { InvalidArgumentError, Option } from 'commander';
import { planRewind, type Destination } from '../../operations/plan-rewind';
import { moveLines } from '../../format/move-lines';
import { readTopicToMove } from '../../operations/histories';
import type { RegisterCommand } from '../command';
import { utcTime } from '../since';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';

export interface RewindOptions extends OperateOptions {
  readonly to: Destination;
  readonly layer?: 'curated';
  readonly hold: boolean;
}

export const registerTopicRewind: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('rewind')
    .description('take the tables of a topic back to a point; the next cycle takes what came since again')
    .argument('<topic>', 'the topic')
    .addOption(
      new Option('--to <point>', 'a cycle that topic points lists, or a time: the last point until then')
        .argParser(parseDestination)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--layer <layer>', 'only the Curated table (default: both tables)').choices(['curated']))
    .option('--hold', 'the topic stays held afterwards, so that nothing is taken again until its release', false);
  withOperateOptions(command).action(async (name: string, options: RewindOptions) => {
    setExitCode(
      await operateTopic(name, options, terminal, operate, async (situation, deployment, operator) =>
        planRewind(await readTopicToMove(situation, deployment, operator, moveLines), {
          to: options.to,
          curatedOnly: options.layer === 'curated',
          holdAfter: options.hold,
        }),
      ),
    );
  });
};

/** An option parser for a cycle such as `20261130T110034Z-61a49257`, or a time such as `2026-11-30T11:00` in UTC. */
export function parseDestination(text: string): Destination {
  if (/^\d{8}T\d{6}Z-[0-9a-f]{8}$/.test(text)) return { cycleId: text };
  const at = text.includes('T') ? utcTime(text) : undefined;
  if (at !== undefined) return { at };
  throw new InvalidArgumentError(
    'must be a cycle such as 20261130T110034Z-61a49257, or a time such as 2026-11-30T11:00 (UTC).',
  );
}
