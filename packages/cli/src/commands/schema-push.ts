import { checkTopic, isTopicName, type TopicName } from '@lean-ops/common/core';
import { Option } from 'commander';
import type { Connect } from '../pipeline/aws-clients';
import type { RegisterCommand } from './command';
import { readDeployment } from '../pipeline/deployment';
import { summaryText } from '../format/file-result';
import { lintSchemas, statedTopic, type CheckedFile } from '../schemas/lint-schemas';
import { EXIT_CODES, formatOption, outputsOption, wholeNumber } from './options';
import { parseRejectionLimit, type RejectionLimit } from '../plan/rejection-limit';
import {
  breakingReasonOf,
  DEFAULT_TIMEOUT_SECONDS,
  REBUILD_TIMEOUT_SECONDS,
  showBreakingPlan,
  timeoutOf,
} from './push-breaking';
import { findSchemas } from '../schemas/schema-files';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import { uploadFiles, type Candidate } from '../upload/upload-files';
import type { FileResult } from '../upload/file-result';
import { exitCodeOf, reporter } from './reporter';
import { readUploadState } from '../upload/decide-upload';
import { LINT_FORMATTERS } from './schema-lint';

export interface PushOptions {
  readonly topic?: string;
  readonly lint: boolean;
  readonly force: boolean;
  /** The file breaks the active schema: plan it, upload it with the reason, and wait for the rebuild. */
  readonly breaking: boolean;
  readonly reason?: string;
  readonly maxRejected: RejectionLimit;
  /** Seconds to wait for the verdict on one upload; undefined for as many as it should take. */
  readonly timeout?: number;
  readonly outputs?: string;
  readonly format: Format;
}

/** Athena runs 20 DDL statements at a time, and an upload has one under way at any moment. */
export const MAX_CONCURRENCY = 20;
export const DEFAULT_CONCURRENCY = 8;

export const registerSchemaPush: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('push')
    .description('upload topic schemas and wait for the verdict: READY with their tables, or every problem')
    .argument('<paths...>', 'schema files, or folders with {topic}/schema.json in them')
    .option('--topic <topic>', 'topic of a single file, when neither its folder nor x-topic names it')
    .option('--no-lint', 'upload without checking the files first: schema-validator answers')
    .option('--force', 'upload schemas that are already active, too', false)
    .option('--breaking', 'the file breaks the active schema: show the plan, and have Curated rebuilt under it', false)
    .option('--reason <text>', 'with --breaking: why, for the record')
    .addOption(
      new Option('--max-rejected <n>', 'with --breaking: new rejections to allow: rows (12) or a share of them (0.5%)')
        .argParser(parseRejectionLimit)
        .default(parseRejectionLimit('0'), '0'),
    )
    .addOption(timeoutOption(`${DEFAULT_TIMEOUT_SECONDS}, with --breaking ${REBUILD_TIMEOUT_SECONDS}`))
    .addOption(outputsOption())
    .addOption(formatOption())
    .addHelpText('after', EXIT_CODES)
    .action(async (paths: string[], options: PushOptions) => {
      setExitCode(await schemaPush(paths, options, terminal, connect));
    });
};

/** @param unless what it is where nobody says otherwise */
export function timeoutOption(unless: string): Option {
  const description = `how long to wait for the verdict on an upload (default: ${unless})`;
  return new Option('--timeout <seconds>', description).argParser(wholeNumber({ from: 1, to: 86_400 }));
}

/** `schema push`: uploads the files and waits for the verdict on each. */
export async function schemaPush(
  paths: readonly string[],
  options: PushOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const { format } = options;
  const locations = (await findSchemas(paths, terminal.cwd)).filter(({ stray }) => !stray);
  if (locations.length === 0) throw new CliError(`no topic schema below ${paths.join(', ')}.`);
  if (options.topic !== undefined && locations.length > 1) {
    throw new CliError(`--topic is for a single file, but there are ${locations.length}.`);
  }
  const { report, checked } = await lintSchemas(
    options.topic === undefined ? locations : locations.map((location) => ({ ...location, topic: options.topic })),
  );
  if (options.lint && report.problems.length > 0) {
    terminal.write(LINT_FORMATTERS[format](report));
    return EXIT.problems;
  }
  const reason = breakingReasonOf(options, checked.length);
  const files = checked.map((file) => candidateOf(file));
  refuseDuplicateTopics(files);
  const deployment = await readDeployment(options.outputs, terminal);
  const cloud = connect(deployment);
  const [first] = files;
  const candidates: Candidate[] = [...files];
  if (reason !== undefined && first !== undefined) {
    const plan = await showBreakingPlan(first, reason, options, deployment, cloud, terminal);
    if (plan.blocked !== undefined) {
      if (format === 'json') terminal.write(filesJson([plan.blocked]));
      return EXIT.problems;
    }
    candidates[0] = { ...first, breaking: { reason, maxRejected: plan.maxRejected } };
  }
  const show = reporter(format, terminal);
  const results = await uploadFiles(candidates, deployment, cloud, {
    stateOf: (topic) => readUploadState(topic, cloud.objects, deployment.schemaBucket),
    force: options.force,
    retryRefused: true,
    refuseForeseen: options.lint,
    dryRun: false,
    timeoutMs: timeoutOf(options) * 1_000,
    concurrency: DEFAULT_CONCURRENCY,
    onResult: show.add,
    onRebuild: (topic, operationId) => {
      if (format !== 'json')
        terminal.write(`${operationId} rebuilds Curated of ${topic} under it: lean-ops op show ${operationId}\n`);
    },
  });
  show.end(results);
  terminal.write(format === 'json' ? filesJson(results) : summaryText(results));
  return exitCodeOf(results);
}

function filesJson(results: readonly FileResult[]): string {
  return `${JSON.stringify({ files: results }, null, 2)}\n`;
}

/**
 * The file as an upload of its topic: the topic of its folder, else the one that the file names.
 *
 * @throws CliError when the file has no text, or no legal topic
 */
export function candidateOf({ location, text, locate }: CheckedFile): Candidate {
  const { file } = location;
  if (text === undefined) throw new CliError(`${file} cannot be uploaded: it is not UTF-8 text of at most 1 MiB.`);
  const folder = location.topic !== undefined && isTopicName(location.topic) ? location.topic : undefined;
  const topic = folder ?? statedTopic(text) ?? location.topic;
  if (topic === undefined) throw new CliError(`${file} names no topic: name it with --topic.`);
  return { file, topic: legalTopic(file, topic), text, locate };
}

function legalTopic(file: string, topic: string): TopicName {
  const checked = checkTopic(topic);
  if (checked.ok) return checked.topic;
  throw new CliError(`${file}: ${checked.message}.`);
}

/**
 * Allows at most one file for each topic: of two uploads of one topic nobody could say which came last.
 *
 * @throws CliError naming the first two files of one topic
 */
export function refuseDuplicateTopics(candidates: readonly Candidate[]): void {
  const files = new Map<string, string>();
  for (const { topic, file } of candidates) {
    const other = files.get(topic);
    if (other !== undefined)
      throw new CliError(`${other} and ${file} are both for the topic ${topic}: upload one of them.`);
    files.set(topic, file);
  }
}
