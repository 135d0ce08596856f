import { checkTopic, isTopicName, type TopicName } from '@lean-ops/common/core';
import { Option } from 'commander';
import type { Connect } from '../pipeline/aws-clients';
import type { Register } from './command';
import { readDeployment } from '../pipeline/deployment';
import { summaryText } from '../format/file-result';
import { lint, statedTopic, type Checked } from '../schemas/lint-schemas';
import { EXIT_CODES, formatOption, outputsOption, wholeNumber } from './options';
import { findSchemas } from '../schemas/schema-files';
import { UsageError, EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import { deliver, type Candidate } from '../upload/upload-files';
import { DEFAULT_TIMEOUT_MS } from '../upload/upload-schema';
import { exitCodeOf, reporter } from './reporter';
import { standingOf } from '../upload/decide-upload';
import { LINT_FORMATTERS } from './schema-lint';

export interface PushOptions {
  readonly topic?: string;
  readonly lint: boolean;
  readonly force: boolean;
  /** Seconds. */
  readonly timeout: number;
  readonly outputs?: string;
  readonly format: Format;
}

/** Athena takes 20 DDL statements at a time, and each upload runs one after the other. */
export const MAX_CONCURRENCY = 20;
export const DEFAULT_CONCURRENCY = 8;

export const registerSchemaPush: Register = (schema, { terminal, connect, done }) => {
  schema
    .command('push')
    .description('upload topic schemas and wait for the verdict: READY with their tables, or every problem')
    .argument('<paths...>', 'schema files, or folders with {topic}/schema.json in them')
    .option('--topic <topic>', 'of a single file whose folder and x-topic do not tell')
    .option('--no-lint', 'upload whatever the file holds, and let the validator answer')
    .option('--force', 'upload what is active already, too', false)
    .addOption(timeoutOption())
    .addOption(outputsOption())
    .addOption(formatOption())
    .addHelpText('after', EXIT_CODES)
    .action(async (paths: string[], options: PushOptions) => {
      done(await schemaPush(paths, options, terminal, connect));
    });
};

export function timeoutOption(): Option {
  return new Option('--timeout <seconds>', 'longest wait for the verdict on an upload')
    .argParser(wholeNumber({ from: 1, to: 3_600 }))
    .default(DEFAULT_TIMEOUT_MS / 1_000);
}

/** `schema push`: uploads files and waits for the verdict on each. */
export async function schemaPush(
  paths: readonly string[],
  options: PushOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const { format } = options;
  const places = (await findSchemas(paths, terminal.cwd)).filter(({ stray }) => !stray);
  if (places.length === 0) throw new UsageError(`no topic schema below ${paths.join(', ')}.`);
  if (options.topic !== undefined && places.length > 1) {
    throw new UsageError(`--topic is for a single file, and these are ${places.length}.`);
  }
  const { report, checked } = await lint(
    options.topic === undefined ? places : places.map((place) => ({ ...place, topic: options.topic })),
  );
  if (options.lint && report.problems.length > 0) {
    terminal.write(LINT_FORMATTERS[format](report));
    return EXIT.problems;
  }
  const candidates = checked.map((file) => candidateOf(file));
  refuseTwins(candidates);
  const deployment = await readDeployment(options.outputs, terminal);
  const cloud = connect(deployment);
  const show = reporter(format, terminal);
  const results = await deliver(candidates, deployment, cloud, {
    standingOf: (topic) => standingOf(topic, cloud.objects, deployment.schemaBucket),
    force: options.force,
    again: true,
    judged: options.lint,
    dryRun: false,
    timeoutMs: options.timeout * 1_000,
    concurrency: DEFAULT_CONCURRENCY,
    onResult: show.add,
  });
  show.end(results);
  terminal.write(format === 'json' ? `${JSON.stringify({ files: results }, null, 2)}\n` : summaryText(results));
  return exitCodeOf(results);
}

/** The topic whose upload the file becomes: that of its folder, else the one it names. */
export function candidateOf({ place, text, locate }: Checked): Candidate {
  const { file } = place;
  if (text === undefined) throw new UsageError(`${file} is no UTF-8 text of at most 1 MiB, and cannot be uploaded.`);
  const folder = place.topic !== undefined && isTopicName(place.topic) ? place.topic : undefined;
  const topic = folder ?? statedTopic(text) ?? place.topic;
  if (topic === undefined) throw new UsageError(`${file} names no topic: say which with --topic.`);
  return { file, topic: legal(file, topic), text, locate };
}

function legal(file: string, topic: string): TopicName {
  const checked = checkTopic(topic);
  if (checked.ok) return checked.topic;
  throw new UsageError(`${file}: ${checked.message}.`);
}

/** Of two uploads of one topic nobody could say which came last. */
export function refuseTwins(candidates: readonly Candidate[]): void {
  const files = new Map<string, string>();
  for (const { topic, file } of candidates) {
    const other = files.get(topic);
    if (other !== undefined) throw new UsageError(`${other} and ${file} are both of the topic ${topic}: name one.`);
    files.set(topic, file);
  }
}
