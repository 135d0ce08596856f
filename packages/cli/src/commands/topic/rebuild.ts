import path from 'node:path';
import { Option } from 'commander';
import { CliError } from '../../errors';
import { readTableSizes } from '../../operations/table-sizes';
import { parseRejectionLimit, type RejectionLimit } from '../../plan/rejection-limit';
import { locationOf } from '../../schemas/schema-files';
import { readWholeSchema } from '../../schemas/whole-schema';
import type { Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { parseSince, sinceIso, utcTime, type Since } from '../since';
import { planRebuild, type RebuildOptions } from './plan-rebuild';
import { operateTopic, withOperateOptions, type OperateOptions } from './operate-topic';

export interface RebuildCommandOptions extends OperateOptions {
  readonly from: RebuildOptions['from'];
  readonly since?: Since;
  readonly schema?: string;
  readonly maxRejected?: RejectionLimit;
}

export const registerTopicRebuild: RegisterCommand = (topic, { terminal, operate, setExitCode }) => {
  const command = topic
    .command('rebuild')
    .description("build a topic's tables anew beside those that people read, and swap them in")
    .argument('<topic>', 'the topic')
    .addOption(
      new Option('--from <layer>', 'raw: Standardized and Curated, from all events; standardized: Curated alone')
        .choices(['raw', 'standardized'])
        .makeOptionMandatory(),
    )
    .option(
      '--since <time>',
      'with --from raw: only events that came since then; rows of older ones go (30d, or 2026-11-23)',
      parseSince,
    )
    .option(
      '--schema <file>',
      'the schema to rebuild under, which becomes active with the swap (default: the active one)',
    )
    .option(
      '--max-rejected <n>',
      'do not swap when more are rejected: a number of messages (12) or a share of them (0.5%)',
      parseRejectionLimit,
    );
  withOperateOptions(command).action(async (name: string, options: RebuildCommandOptions) => {
    if (options.since !== undefined && options.from !== 'raw') throw new CliError('--since goes with --from raw.');
    const schema = options.schema === undefined ? undefined : await readSchema(options.schema, terminal);
    setExitCode(
      await operateTopic(name, options, terminal, operate, async (situation, deployment, operator) => {
        const sizes = await readTableSizes(situation.topic, situation.item?.['table_name'], deployment, operator);
        const { since, from, maxRejected } = options;
        const now = operator.clock.now();
        const wanted: RebuildOptions = {
          from,
          since: since === undefined ? undefined : pastSince(since, now),
          schema,
          maxRejected: maxRejected?.text,
        };
        return planRebuild(situation, wanted, sizes, deployment, operator);
      }),
    );
  });
};

/** @throws CliError for a time that has not come, as the tables would have no rows */
function pastSince(since: Since, now: number): string {
  const text = sinceIso(since, now);
  if ((utcTime(text) ?? now) <= now) return text;
  throw new CliError(`--since ${text} has not come yet, so the tables would have no rows.`);
}

async function readSchema(file: string, terminal: Terminal): Promise<NonNullable<RebuildOptions['schema']>> {
  const location = locationOf(path.resolve(terminal.cwd, file), terminal.cwd);
  const { text, problems } = await readWholeSchema(location);
  if (text === undefined || problems[0] !== undefined) {
    throw new CliError(`${file}: ${problems[0]?.message ?? 'it cannot be read'}.`);
  }
  return { file: location.file, text };
}
