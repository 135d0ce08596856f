import path from 'node:path';
import { checkSchema, checkTopic, type TopicName } from '@lean-ops/common/core';
import type { Connect } from '../pipeline/aws-clients';
import type { RegisterCommand } from './command';
import { readDeployment } from '../pipeline/deployment';
import { planGithub, planJson, planText, type PlanReport } from '../format/plan';
import { locateProblems, locator, FILE_START } from '../schemas/locate-problems';
import { locateChanges } from '../schemas/locate-changes';
import { EXIT_CODES, formatOption, outputsOption, sqlOption, wholeNumber } from './options';
import { planMerge, type MergePlan } from '../plan/merge-plan';
import { oldestIngestedAt, parseDays, type Days } from '../plan/ingestion-window';
import { parseRejectionLimit, type RejectionLimit } from '../plan/rejection-limit';
import { locationOf, readSchemaText } from '../schemas/schema-files';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import { LINT_FORMATTERS } from './schema-lint';

const FORMATTERS = { text: planText, json: planJson, github: planGithub } as const;
const MAX_SAMPLES = 100;

export interface PlanCommandOptions {
  readonly days: Days;
  readonly maxRejected: RejectionLimit;
  readonly samples: number;
  readonly sql?: boolean;
  readonly outputs?: string;
  readonly format: Format;
}

export const registerSchemaPlan: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('plan')
    .description('show what a merge would do: to the tables, and to the existing rows (which it would reject, and why)')
    .argument('<topic>', 'the topic')
    .argument('<file>', 'its schema file')
    .option('--days <n>', 'validate the rows that came in the last n days, or all', parseDays, 7)
    .option(
      '--max-rejected <n>',
      'rows (12) or share of the rows (0.5%) that the merge may reject',
      parseRejectionLimit,
      parseRejectionLimit('0'),
    )
    .option('--samples <n>', 'messages to name for each broken rule', wholeNumber({ from: 0, to: MAX_SAMPLES }), 5)
    .addOption(sqlOption())
    .addOption(outputsOption())
    .addOption(formatOption())
    .addHelpText('after', EXIT_CODES)
    .action(async (topic: string, file: string, options: PlanCommandOptions) => {
      setExitCode(await schemaPlan(topic, file, options, terminal, connect));
    });
};

/** `schema plan`: compares a schema with the active one and with the tables, and validates the rows of Standardized by it. */
export async function schemaPlan(
  topicText: string,
  file: string,
  options: PlanCommandOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const topic = parseTopic(topicText);
  const location = locationOf(path.resolve(terminal.cwd, file), terminal.cwd);
  const read = await readSchemaText(location);
  const text = read.ok ? read.text : '';
  const locate = read.ok ? locator(text) : () => FILE_START;
  const check = read.ok ? checkSchema(text, { topic }) : { ok: false as const, problems: [read.problem] };
  if (!check.ok) {
    const problems = locateProblems(location.file, check.problems, locate);
    terminal.write(LINT_FORMATTERS[options.format]({ files: 1, problems }));
    return EXIT.problems;
  }
  const deployment = await readDeployment(options.outputs, terminal);
  const cloud = connect(deployment);
  const since = oldestIngestedAt(options.days, cloud.clock.now());
  const plan = await planMerge({ topic, text, ...check }, deployment, cloud, { since, samples: options.samples });
  const report = reportOf(plan, { topic, file: location.file, version: check.schema.version, since }, options, locate);
  terminal.write(FORMATTERS[options.format](report, { sql: options.sql ?? false }));
  return report.refused || report.exceeded ? EXIT.problems : EXIT.clean;
}

export function parseTopic(text: string): TopicName {
  const checked = checkTopic(text);
  if (checked.ok) return checked.topic;
  throw new CliError(`${checked.message}.`);
}

function reportOf(
  { active, changes, problems, statements, data }: MergePlan,
  { topic, file, version, since }: { topic: TopicName; file: string; version: number; since: string | undefined },
  { maxRejected }: PlanCommandOptions,
  locate: ReturnType<typeof locator>,
): PlanReport {
  const verdict = 'verdict' in data ? data.verdict : undefined;
  const { rows = 0, rejected = 0, nulled = { atLeast: 0, atMost: 0 }, broken = [] } = verdict ?? {};
  return {
    file,
    topic,
    versions: { active: active ?? null, candidate: version },
    refused: problems.length > 0,
    ...locateChanges(file, changes, problems, locate),
    statements,
    data: {
      status: data.status,
      table: data.table,
      since: since ?? null,
      rows,
      rejected,
      nulled: { at_least: nulled.atLeast, at_most: nulled.atMost },
      findings: broken
        .map(({ column, rule, critical, pointer, rows: count, samples }) => ({
          ...locate(pointer),
          pointer,
          field: column,
          rule,
          effect: critical ? ('rejected' as const) : ('nulled' as const),
          rows: count,
          samples,
        }))
        .sort((a, b) => a.line - b.line || a.column - b.column),
    },
    max_rejected: maxRejected.text,
    exceeded: !maxRejected.allows(rejected, rows),
  };
}
