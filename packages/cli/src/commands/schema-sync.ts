import { counted, plain } from '../format/text';
import path from 'node:path';
import { Option } from 'commander';
import type { Connect } from '../pipeline/aws-clients';
import type { RegisterCommand } from './command';
import { readDeployment } from '../pipeline/deployment';
import { summaryText } from '../format/file-result';
import { lintSchemas } from '../schemas/lint-schemas';
import { EXIT_CODES, formatOption, outputsOption, wholeNumber } from './options';
import { findSchemas } from '../schemas/schema-files';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import { listTopics, NO_FILES } from '../pipeline/list-topics';
import { uploadFiles } from '../upload/upload-files';
import { exitCodeOf, reporter } from './reporter';
import { OUTCOMES, type FileResult } from '../upload/file-result';
import { readUploadState } from '../upload/decide-upload';
import { LINT_FORMATTERS } from './schema-lint';
import { DEFAULT_TIMEOUT_SECONDS } from './push-breaking';
import { candidateOf, DEFAULT_CONCURRENCY, MAX_CONCURRENCY, refuseDuplicateTopics, timeoutOption } from './schema-push';

export interface SyncOptions {
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly concurrency: number;
  /** Seconds to wait for the verdict on one upload. */
  readonly timeout?: number;
  readonly outputs?: string;
  readonly format: Format;
}

export const registerSchemaSync: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('sync')
    .description('upload the schemas of a folder that are not active; safe to repeat; never deletes: what a merge runs')
    .argument('<dir>', 'folder with {topic}/schema.json in it')
    .option('--dry-run', 'upload nothing; show what would be uploaded', false)
    .option('--force', 'upload all, also schemas that are active or were refused before', false)
    .addOption(
      new Option('--concurrency <n>', `uploads at a time, up to ${MAX_CONCURRENCY}, as Athena takes no more statements`)
        .argParser(wholeNumber({ from: 1, to: MAX_CONCURRENCY }))
        .default(DEFAULT_CONCURRENCY),
    )
    .addOption(timeoutOption(String(DEFAULT_TIMEOUT_SECONDS)))
    .addOption(outputsOption())
    .addOption(formatOption())
    .addHelpText('after', EXIT_CODES)
    .action(async (dir: string, options: SyncOptions) => {
      setExitCode(await schemaSync(dir, options, terminal, connect));
    });
};

/** `schema sync`: uploads what a folder has and the pipeline has not. A second run does only what is left to do. */
export async function schemaSync(
  dir: string,
  options: SyncOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const { format } = options;
  const locations = await findSchemas([dir], terminal.cwd);
  const { report, checked } = await lintSchemas(locations);
  if (report.problems.length > 0) {
    terminal.write(LINT_FORMATTERS[format](report));
    if (format !== 'json') terminal.write('Nothing was uploaded.\n');
    return EXIT.problems;
  }
  const candidates = checked
    .filter(({ location }) => path.dirname(location.absolute) === location.folder)
    .map(candidateOf);
  if (candidates.length === 0) throw new CliError(`no topic schema below ${dir}: they are named {topic}/schema.json.`);
  refuseDuplicateTopics(candidates);

  const deployment = await readDeployment(options.outputs, terminal);
  const cloud = connect(deployment);
  const topics = await listTopics(cloud.objects, deployment.schemaBucket);
  const show = reporter(format, terminal, new Set([OUTCOMES.active]));
  const results = await uploadFiles(candidates, deployment, cloud, {
    stateOf: (topic) => readUploadState(topic, cloud.objects, deployment.schemaBucket, topics.get(topic) ?? NO_FILES),
    force: options.force,
    retryRefused: false,
    refuseForeseen: true,
    dryRun: options.dryRun,
    timeoutMs: (options.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1_000,
    concurrency: options.concurrency,
    onResult: show.add,
  });
  show.end(results);
  const here = new Set<string>(candidates.map(({ topic }) => topic));
  const without = [...topics].flatMap(([topic, { active }]) => (active && !here.has(topic) ? [topic] : [])).sort();
  terminal.write(
    format === 'json'
      ? `${JSON.stringify({ dryRun: options.dryRun, files: results, activeWithoutFile: without }, null, 2)}\n`
      : `${notComparedText(results)}${withoutFile(without)}${summaryText(results)}`,
  );
  return exitCodeOf(results);
}

/** One line on the active schemas whose tables could not be looked at: the reason is the same for all of them. */
function notComparedText(results: readonly FileResult[]): string {
  const notes = results.flatMap(({ outcome, note }) => (outcome === OUTCOMES.active && note !== null ? [note] : []));
  return notes[0] === undefined ? '' : `${counted(notes.length, 'active schema')}: ${plain(notes[0])}\n`;
}

/** A sentence on active topics that have no file. They stay: only an operator ends a topic. */
function withoutFile(topics: readonly string[]): string {
  if (topics.length === 0) return '';
  const those = counted(topics.length, 'topic');
  return `${those} active without a file here, left as ${topics.length === 1 ? 'it is' : 'they are'}: ${plain(topics.join(', '))}\n`;
}
