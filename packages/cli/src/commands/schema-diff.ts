import { existsSync } from 'node:fs';
import path from 'node:path';
import { mapLimit, type Lake } from '@lean-ops/common/core';
import { Option } from 'commander';
import { activeBaseline } from '../schemas/active-baseline';
import type { Baseline } from '../schemas/baseline';
import type { Connect } from '../pipeline/aws-clients';
import type { RegisterCommand } from './command';
import { previewMerge, type MergePreview } from '../schemas/merge-preview';
import { readDeployment } from '../pipeline/deployment';
import { diffGithub, diffJson, diffText, type DiffFile, type DiffReport } from '../format/diff';
import { gitBaseline } from '../schemas/git-baseline';
import { EXIT_CODES, formatOption, outputsOption, sqlOption } from './options';
import { FILE_START, type Position } from '../schemas/locate-problems';
import { locateChanges } from '../schemas/locate-changes';
import { findSchemas, locationOf, type SchemaLocation } from '../schemas/schema-files';
import { bundleFile, readWholeSchema } from '../schemas/whole-schema';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';

export interface DiffOptions {
  /** The git ref to compare with; HEAD when it is left out. */
  readonly base?: string;
  /** Compare with the schemas that are active in the deployed pipeline, and not with a git ref. */
  readonly active?: boolean;
  readonly outputs?: string;
  readonly databasePrefix: string;
  readonly lakeBucket: string;
  readonly sql?: boolean;
  readonly format: Format;
}

const FORMATTERS = { text: diffText, json: diffJson, github: diffGithub } as const;

/** Files compared at a time; each costs a request to S3 or a git process. */
const CONCURRENCY = 8;

export const registerSchemaDiff: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('diff')
    .description('show what merging the schemas would change, for readers and in the tables')
    .argument('[paths...]', 'schema files, or folders with {topic}/schema.json in them', ['schemas'])
    .option('--base <ref>', 'git ref to compare with; for a pull request origin/main (default: HEAD)')
    .addOption(
      new Option('--active', 'compare with the schemas that are active in the pipeline').conflicts([
        'base',
        'databasePrefix',
        'lakeBucket',
      ]),
    )
    .addOption(outputsOption())
    .option('--database-prefix <prefix>', 'prefix of the Glue databases in the statements shown', 'lean_ops')
    .option('--lake-bucket <bucket>', 'bucket of the lake in the statements shown', 'LAKE_BUCKET')
    .addOption(sqlOption())
    .addOption(formatOption())
    .addHelpText('after', EXIT_CODES)
    .action(async (paths: string[], options: DiffOptions) => {
      setExitCode(await schemaDiff(paths, options, terminal, connect));
    });
};

/** `schema diff`: shows what a merge of the files would change, compared with a git ref or with the deployed pipeline. */
export async function schemaDiff(
  paths: readonly string[],
  options: DiffOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const { baseline, lake } = await chooseBaseline(options, terminal, connect);
  const report = await diff(paths, baseline, lake, terminal.cwd);
  terminal.write(FORMATTERS[options.format](report, { sql: options.sql ?? false }));
  return report.files.some(({ refused }) => refused) ? EXIT.problems : EXIT.clean;
}

async function chooseBaseline(
  { base = 'HEAD', active = false, outputs, databasePrefix, lakeBucket }: DiffOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<{ baseline: Baseline; lake: Lake }> {
  const { cwd } = terminal;
  if (!active) return { baseline: await gitBaseline(base, cwd), lake: { databasePrefix, bucket: lakeBucket } };
  const deployment = await readDeployment(outputs, terminal);
  const { objects } = connect(deployment);
  return { baseline: await activeBaseline(objects, deployment.schemaBucket, cwd), lake: deployment.lake };
}

async function diff(paths: readonly string[], baseline: Baseline, lake: Lake, cwd: string): Promise<DiffReport> {
  const locations = await locationsOf(paths, baseline, cwd);
  const files = await mapLimit(locations, CONCURRENCY, (location) => diffFile(location, baseline, lake));
  return { base: baseline.name, compared: locations.length, files: files.filter((file) => file !== undefined) };
}

/** The schema files below the paths, and those that the baseline has there and the working directory lacks. */
async function locationsOf(paths: readonly string[], baseline: Baseline, cwd: string): Promise<SchemaLocation[]> {
  const locations = new Map<string, SchemaLocation>();
  for (const given of paths) {
    const absolute = path.resolve(cwd, given);
    const here = existsSync(absolute) ? await findSchemas([given], cwd) : [];
    for (const location of here) if (!location.stray) locations.set(location.absolute, location);
    const before = await baseline.filesBelow(absolute);
    for (const file of before) {
      const schema = file === absolute || /(?:^|[\\/])schema\.json$/.test(file);
      if (schema && !/[\\/](?:failed|archive)[\\/]/.test(path.relative(absolute, file)) && !locations.has(file)) {
        locations.set(file, locationOf(file, cwd));
      }
    }
    if (here.length === 0 && before.length === 0) {
      throw new CliError(`${given}: no topic schema, neither here nor at ${baseline.name}.`);
    }
  }
  return [...locations.values()].sort((a, b) => (a.absolute < b.absolute ? -1 : 1));
}

async function diffFile(location: SchemaLocation, baseline: Baseline, lake: Lake): Promise<DiffFile | undefined> {
  const before = await baseline.read(location.absolute);
  // A file may change with one that it refers to.
  const base = before === undefined || baseline.areWhole ? before : (await bundleFile(location, before, baseline)).text;
  const read = existsSync(location.absolute) ? await readWholeSchema(location) : undefined;
  if (read !== undefined && read.problems.length > 0) {
    return diffFileOf(location, { status: 'invalid', problems: read.problems }, read.locate);
  }
  if (read?.text === base) return undefined;
  const preview = previewMerge(base, read?.text, location.topic, lake);
  return diffFileOf(location, preview, read?.locate ?? (() => FILE_START));
}

/** The report on one file. What was removed is reported at the position in the present file where it would belong. */
function diffFileOf(
  { file, topic }: SchemaLocation,
  comparison: MergePreview,
  locate: (pointer: string) => Position,
): DiffFile {
  const { status } = comparison;
  const problems = 'problems' in comparison ? comparison.problems : [];
  const changes = 'changes' in comparison ? comparison.changes : [];
  return {
    file,
    topic: 'schema' in comparison ? comparison.schema.topic : (topic ?? null),
    status,
    versions: {
      before: 'before' in comparison ? comparison.before.version : null,
      after: 'schema' in comparison ? comparison.schema.version : null,
    },
    baseUnreadable: 'baseUnreadable' in comparison && comparison.baseUnreadable,
    refused: problems.length > 0,
    rebuild: comparison.status === 'changed' ? (comparison.rebuild?.reason ?? null) : null,
    ...locateChanges(file, changes, problems, locate),
    statements: 'statements' in comparison ? comparison.statements : [],
  };
}
