import { existsSync } from 'node:fs';
import path from 'node:path';
import { mapLimit, type Lake } from '@lean-ops/common/core';
import { Option } from 'commander';
import { activeBaseline } from '../schemas/active-baseline';
import type { Baseline } from '../schemas/baseline';
import type { Connect } from '../pipeline/aws-clients';
import type { Register } from './command';
import { compare, type Comparison } from '../schemas/merge-preview';
import { readDeployment } from '../pipeline/deployment';
import { diffGithub, diffJson, diffText, type DiffFile, type DiffReport } from '../format/diff';
import { gitBaseline } from '../schemas/git-baseline';
import { EXIT_CODES, formatOption, outputsOption } from './options';
import { locator, START, type Place } from '../schemas/locate-problems';
import { locateChanges } from '../schemas/locate-changes';
import { findSchemas, placeOf, readSchemaText, type SchemaPlace } from '../schemas/schema-files';
import { EXIT, UsageError, type ExitCode, type Format, type Terminal } from '../terminal';

export interface DiffOptions {
  /** A git ref; by default HEAD. */
  readonly base?: string;
  /** Compares with what is active in the deployed pipeline. */
  readonly active?: boolean;
  readonly outputs?: string;
  readonly databasePrefix: string;
  readonly lakeBucket: string;
  readonly format: Format;
}

const FORMATTERS = { text: diffText, json: diffJson, github: diffGithub } as const;
/** A request to S3, or a git process, for each file. */
const CONCURRENCY = 8;

export const registerSchemaDiff: Register = (schema, { terminal, connect, done }) => {
  schema
    .command('diff')
    .description('what a merge of the schemas would change: for readers, and in the tables')
    .argument('[paths...]', 'schema files, or folders with {topic}/schema.json in them', ['schemas'])
    .option('--base <ref>', 'git ref to compare the files with, for a pull request origin/main (default: HEAD)')
    .addOption(
      new Option('--active', 'compare with what is active in the pipeline').conflicts([
        'base',
        'databasePrefix',
        'lakeBucket',
      ]),
    )
    .addOption(outputsOption())
    .option('--database-prefix <prefix>', 'of the Glue databases, for the statements shown', 'lean_ops')
    .option('--lake-bucket <bucket>', 'of the lake, for the statements shown', 'LAKE_BUCKET')
    .addOption(formatOption())
    .addHelpText('after', EXIT_CODES)
    .action(async (paths: string[], options: DiffOptions) => {
      done(await schemaDiff(paths, options, terminal, connect));
    });
};

/** `schema diff`: what a merge of the files as they are would change, against a git ref or the deployed pipeline. */
export async function schemaDiff(
  paths: readonly string[],
  options: DiffOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const { baseline, lake } = await compareWith(options, terminal, connect);
  const report = await diff(paths, baseline, lake, terminal.cwd);
  terminal.write(FORMATTERS[options.format](report));
  return report.files.some(({ refused }) => refused) ? EXIT.problems : EXIT.clean;
}

async function compareWith(
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
  const places = await placesOf(paths, baseline, cwd);
  const files = await mapLimit(places, CONCURRENCY, (place) => diffFile(place, baseline, lake));
  return { base: baseline.name, compared: places.length, files: files.filter((file) => file !== undefined) };
}

/** The files there are, and those there were. */
async function placesOf(paths: readonly string[], baseline: Baseline, cwd: string): Promise<SchemaPlace[]> {
  const places = new Map<string, SchemaPlace>();
  for (const given of paths) {
    const absolute = path.resolve(cwd, given);
    const here = existsSync(absolute) ? await findSchemas([given], cwd) : [];
    for (const place of here) if (!place.stray) places.set(place.absolute, place);
    const before = await baseline.filesBelow(absolute);
    for (const file of before) {
      const schema = file === absolute || /(?:^|[\\/])schema\.json$/.test(file);
      if (schema && !/[\\/](?:failed|archive)[\\/]/.test(path.relative(absolute, file)) && !places.has(file)) {
        places.set(file, placeOf(file, cwd));
      }
    }
    if (here.length === 0 && before.length === 0) {
      throw new UsageError(`${given}: no topic schema here, nor at ${baseline.name}.`);
    }
  }
  return [...places.values()].sort((a, b) => (a.absolute < b.absolute ? -1 : 1));
}

async function diffFile(place: SchemaPlace, baseline: Baseline, lake: Lake): Promise<DiffFile | undefined> {
  const base = await baseline.read(place.absolute);
  const read = existsSync(place.absolute) ? await readSchemaText(place) : undefined;
  if (read !== undefined && !read.ok) {
    return located(place, { status: 'invalid', problems: [read.problem] }, () => START);
  }
  if (read?.text === base) return undefined;
  const comparison = compare(base, read?.text, place.topic, lake);
  return located(place, comparison, read === undefined ? () => START : locator(read.text));
}

/** A comparison with the places of what it found: in the file as it is, so of what was removed where it belonged. */
function located({ file, topic }: SchemaPlace, comparison: Comparison, locate: (pointer: string) => Place): DiffFile {
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
    ...locateChanges(file, changes, problems, locate),
    statements: 'statements' in comparison ? comparison.statements : [],
  };
}
