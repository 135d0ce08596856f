import path from 'node:path';
import { checkSchema, checkTopic, effectOf, type Bounds, type TopicName } from '@lean-ops/common/core';
import { Option } from 'commander';
import type { Connect } from '../pipeline/aws-clients';
import type { RegisterCommand } from './command';
import { readDeployment } from '../pipeline/deployment';
import { planGithub, planJson, planText, type PlanDataReport, type PlanReport, type RowCount } from '../format/plan';
import { slipWarning } from '../format/slip-warning';
import { inReadingOrder, locateProblems, FILE_START, type locator } from '../schemas/locate-problems';
import { reportOfFiles } from '../schemas/lint-schemas';
import { locateChanges } from '../schemas/locate-changes';
import { EXIT_CODES, formatOption, outputsOption, sqlOption, wholeNumber } from './options';
import type { ExistingRowsReport } from '../plan/existing-rows';
import { planMerge, type MergePlan } from '../plan/merge-plan';
import { oldestIngestedAt, parseDays, type Days } from '../plan/ingestion-window';
import { parseRejectionLimit, type RejectionLimit } from '../plan/rejection-limit';
import { locationOf } from '../schemas/schema-files';
import { readWholeSchema } from '../schemas/whole-schema';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import { LINT_FORMATTERS } from './schema-lint';

const FORMATTERS = { text: planText, json: planJson, github: planGithub } as const;
const MAX_SAMPLES = 100;

export interface PlanCommandOptions {
  readonly days: Days;
  readonly maxRejected: RejectionLimit;
  readonly samples: number;
  /** Plan a breaking change as `schema push --breaking` makes it. */
  readonly breaking?: boolean;
  readonly sql?: boolean;
  readonly strict?: boolean;
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
    .addOption(
      new Option('--max-rejected <n>', 'new rejections to allow: a number of rows (12) or a share of them (0.5%)')
        .argParser(parseRejectionLimit)
        .default(parseRejectionLimit('0'), '0'),
    )
    .option('--samples <n>', 'messages to name for each broken rule', wholeNumber({ from: 0, to: MAX_SAMPLES }), 5)
    .option('--breaking', 'plan a breaking change as schema push --breaking makes it: Curated is rebuilt')
    .option('--strict', 'warnings block the merge, too')
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
  const { text = '', problems: unread, locate } = await readWholeSchema(location);
  const check = unread.length === 0 ? checkSchema(text, { topic }) : { ok: false as const, problems: unread };
  if (!check.ok) {
    const problems = locateProblems(location.file, check.problems, locate);
    terminal.write(LINT_FORMATTERS[options.format](reportOfFiles(1, problems)));
    return EXIT.problems;
  }
  const deployment = await readDeployment(options.outputs, terminal);
  const cloud = connect(deployment);
  const since = oldestIngestedAt(options.days, cloud.clock.now());
  const plan = await planMerge(
    { topic, source: text },
    deployment,
    cloud,
    { since, samples: options.samples },
    options.breaking === true ? 'to be given with schema push --breaking' : undefined,
  );
  const report = reportOf(plan, { topic, file: location.file, version: check.schema.version, since }, options, locate);
  terminal.write(FORMATTERS[options.format](report, { sql: options.sql ?? false }));
  return report.blocked_by.length > 0 ? EXIT.problems : EXIT.clean;
}

export function parseTopic(text: string): TopicName {
  const checked = checkTopic(text);
  if (checked.ok) return checked.topic;
  throw new CliError(`${checked.message}.`);
}

export function reportOf(
  { active, changes, problems, rebuild, statements, data }: MergePlan,
  { topic, file, version, since }: { topic: TopicName; file: string; version: number; since: string | undefined },
  { maxRejected, strict = false }: Pick<PlanCommandOptions, 'maxRejected' | 'strict'>,
  locate: ReturnType<typeof locator>,
): PlanReport {
  const rows = rowsReport(data, since, locate);
  const validated = data.status === 'validated' ? data.slips : [];
  const warnings = validated
    .map((slip) => slipWarning(slip, rows.rows, data.table))
    .map((warning) => ({ ...(warning.pointer === '' ? FILE_START : locate(warning.pointer)), ...warning }));
  const refused = problems.length > 0;
  const exceeded = !maxRejected.allows(rows.new.rejected, rows.rows);
  const warned = strict && warnings.some(({ severity }) => severity === 'warning');
  return {
    file,
    topic,
    versions: { active: active ?? null, candidate: version },
    refused,
    rebuild: rebuild?.reason ?? null,
    ...locateChanges(file, changes, problems, locate),
    statements,
    data: rows,
    warnings: warnings.sort(inReadingOrder),
    max_rejected: maxRejected.text,
    exceeded,
    strict,
    blocked_by: [
      ...(refused ? ['refusal' as const] : []),
      ...(exceeded ? ['rejected rows' as const] : []),
      ...(warned ? ['warnings' as const] : []),
    ],
  };
}

const NO_ROWS = { at_least: 0, at_most: 0 };

function rowsReport(
  data: ExistingRowsReport,
  since: string | undefined,
  locate: ReturnType<typeof locator>,
): PlanDataReport {
  const { status, table } = data;
  const common = { status, table, since: since ?? null };
  if (data.status !== 'validated') {
    const none = { rejected: 0, nulled: NO_ROWS };
    const nothing = { new: none, today: null, not_compared: null, not_judged: [], findings: [] };
    return { ...common, rows: 0, ...none, noted: NO_ROWS, ...nothing };
  }
  const { verdict, notCompared } = data;
  const { rows, rejected, change } = verdict;
  const nulled = countOf(verdict.nulled);
  return {
    ...common,
    rows,
    rejected,
    nulled,
    noted: countOf(verdict.noted),
    new:
      change === undefined
        ? { rejected, nulled }
        : { rejected: change.rejectedAnew, nulled: countOf(change.nulledAnew) },
    today: change === undefined ? null : { rejected: change.rejectedToday, rejected_that_would_pass: change.accepted },
    not_compared: notCompared ?? null,
    not_judged: verdict.unjudged.map(({ column, rule, pointer }) => ({ pointer, field: column, rule })),
    findings: verdict.broken
      .map((one) => ({
        ...locate(one.pointer),
        pointer: one.pointer,
        field: one.column,
        rule: one.rule,
        effect: effectOf(one),
        rows: one.rows,
        new_rows: one.anew,
        samples: one.samples,
      }))
      .sort((a, b) => a.line - b.line || a.column - b.column),
  };
}

function countOf({ atLeast, atMost }: Bounds): RowCount {
  return { at_least: atLeast, at_most: atMost };
}
