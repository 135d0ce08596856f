import { Option } from 'commander';
import { pointsOf, type Point } from '@lean-ops/common/core';
import { CliError } from '../../errors';
import { pointsText } from '../../format/points';
import { readHistories } from '../../operations/histories';
import { readSituation } from '../../operations/situation';
import { readOperationsDeployment } from '../../pipeline/deployment';
import type { Operate } from '../../pipeline/operator';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { outputsOption, wholeNumber } from '../options';
import { parseTopic } from '../schema-plan';

const HELP = `
Exit codes:
  0  shown
  2  wrong usage, or the command could not do its work`;

const DEFAULT_LIMIT = 20;

interface PointsOptions {
  readonly limit: number;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerTopicPoints: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  topic
    .command('points')
    .description('the points to which the tables of a topic can be taken back, newest first')
    .argument('<topic>', 'the topic')
    .addOption(
      new Option('--limit <number>', 'how many points at the most')
        .argParser(wholeNumber({ from: 1, to: 10_000 }))
        .default(DEFAULT_LIMIT),
    )
    .addOption(outputsOption())
    .addOption(new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'))
    .addHelpText('after', HELP)
    .action(async (name: string, options: PointsOptions) => {
      setExitCode(await topicPoints(name, options, terminal, operate));
    });
};

async function topicPoints(
  name: string,
  { limit, outputs, format }: PointsOptions,
  terminal: Terminal,
  operate: Operate,
): Promise<ExitCode> {
  const topic = parseTopic(name);
  const deployment = await readOperationsDeployment(outputs, terminal);
  const operator = operate(deployment);
  const situation = await readSituation(topic, deployment, operator);
  const { item, known, owner } = situation;
  if (!known)
    throw new CliError(`no event and no schema of a topic ${topic} was ever seen, so its name may be misspelt.`);
  if (owner !== undefined && owner !== topic) {
    throw new CliError(`its table belongs to the topic ${owner}, so ${topic} has no points.`);
  }
  const points = pointsOf(await readHistories(topic, item?.['table_name'], deployment, operator));
  const shown = points.slice(0, limit);
  terminal.write(
    format === 'json'
      ? `${JSON.stringify({ topic, points: shown.map(pointDocument), more: points.length - shown.length }, null, 2)}\n`
      : pointsText(topic, shown, points.length - shown.length, operator.clock.now(), terminal),
  );
  return EXIT.clean;
}

function pointDocument({ cycleId, at, aligned, current, undoes, layers }: Point): object {
  return { cycle_id: cycleId, at: new Date(at).toISOString(), aligned, current, undoes, layers };
}
