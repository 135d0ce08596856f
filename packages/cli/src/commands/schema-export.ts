import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  checkSchema,
  checkTopic,
  isTopicName,
  schemaKeys,
  toAvro,
  toDbtSources,
  toJsonSchema,
  toOdcs,
  toTypeScript,
  type ExportSource,
  type Lake,
} from '@lean-ops/common/core';
import { Option } from 'commander';
import { stringify } from 'yaml';
import { CliError } from '../errors';
import type { Connect } from '../pipeline/aws-clients';
import { readDeployment } from '../pipeline/deployment';
import { reportOfFiles } from '../schemas/lint-schemas';
import { locateProblems, locator, FILE_START } from '../schemas/locate-problems';
import { locationOf, readSchemaText } from '../schemas/schema-files';
import { EXIT, type ExitCode, type Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { EXIT_CODES, outputsOption } from './options';
import { saveFile } from './save-file';
import { LINT_FORMATTERS } from './schema-lint';

const yaml = (document: object): string => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
const json = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;

/** What a schema is written as, by the word that --format takes. */
const WRITERS = {
  'json-schema': toJsonSchema,
  dbt: (source: ExportSource) => yaml(toDbtSources(source)),
  odcs: (source: ExportSource) => yaml(toOdcs(source)),
  avro: (source: ExportSource) => json(toAvro(source)),
  ts: toTypeScript,
} as const satisfies Record<string, (source: ExportSource) => string>;

export interface ExportOptions {
  readonly format: keyof typeof WRITERS;
  readonly out?: string;
  /** Export the schema in force, and not a file. */
  readonly active?: boolean;
  readonly outputs?: string;
  readonly databasePrefix: string;
}

export const registerSchemaExport: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('export')
    .description('write a schema in another form: for validators, dbt, data catalogues, Avro or TypeScript producers')
    .argument('<topic|file>', 'a topic, of which schemas/{topic}/schema.json is read, or a schema file')
    .addOption(
      new Option(
        '--format <format>',
        'json-schema; dbt: sources and tests; odcs: Open Data Contract Standard; avro; ts: types',
      )
        .choices(Object.keys(WRITERS))
        .makeOptionMandatory(),
    )
    .option('--out <file>', 'file to write to (default: standard output)')
    .addOption(new Option('--active', 'export the schema that is active in the pipeline').conflicts('databasePrefix'))
    .addOption(outputsOption())
    .option('--database-prefix <prefix>', 'prefix of the Glue databases that dbt and odcs name', 'lean_ops')
    .addHelpText('after', EXIT_CODES)
    .action(async (subject: string, options: ExportOptions) => {
      setExitCode(await schemaExport(subject, options, terminal, connect));
    });
};

/** `schema export`: writes a valid schema in another form. */
export async function schemaExport(
  subject: string,
  options: ExportOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const { file, topic, text, lake } =
    options.active === true
      ? await readActive(subject, options.outputs, terminal, connect)
      : await readFile(subject, options, terminal);
  const check =
    typeof text === 'string'
      ? checkSchema(text, topic === undefined ? {} : { topic })
      : { ok: false as const, problems: [text.problem] };
  const stated = check.ok ? checkTopic(check.schema.topic) : undefined;
  if (!check.ok || stated?.ok !== true) {
    const locate = typeof text === 'string' ? locator(text) : () => FILE_START;
    const problems = locateProblems(file, check.ok ? [] : check.problems, locate);
    terminal.writeError(LINT_FORMATTERS.text(reportOfFiles(1, problems)));
    return EXIT.problems;
  }
  const { schema, document } = check;
  const written = WRITERS[options.format]({
    topic: stated.topic,
    schema,
    text: check.text,
    document,
    lake,
  });
  if (options.out === undefined) terminal.write(written);
  else await saveFile(options.out, written, terminal.cwd);
  return EXIT.clean;
}

interface ReadSchema {
  /** What the report calls it. */
  readonly file: string;
  readonly topic: string | undefined;
  readonly text: string | Extract<Awaited<ReturnType<typeof readSchemaText>>, { ok: false }>;
  readonly lake: Lake;
}

async function readFile(subject: string, { databasePrefix }: ExportOptions, { cwd }: Terminal): Promise<ReadSchema> {
  const ofTopic = path.join('schemas', subject, 'schema.json');
  const isFile = existsSync(path.resolve(cwd, subject));
  if (!isFile && (!isTopicName(subject) || !existsSync(path.resolve(cwd, ofTopic)))) {
    throw new CliError(`${subject} is neither a file nor a topic with a file ${ofTopic.replaceAll(path.sep, '/')}.`);
  }
  const location = locationOf(path.resolve(cwd, isFile ? subject : ofTopic), cwd);
  const read = await readSchemaText(location);
  // No format that names tables says where the data lies.
  const lake = { databasePrefix, bucket: 'LAKE_BUCKET' };
  return { file: location.file, topic: location.topic, text: read.ok ? read.text : read, lake };
}

async function readActive(
  subject: string,
  outputs: string | undefined,
  terminal: Terminal,
  connect: Connect,
): Promise<ReadSchema> {
  if (!isTopicName(subject)) throw new CliError(`--active wants a topic, and ${subject} is none.`);
  const { lake, schemaBucket, ...deployment } = await readDeployment(outputs, terminal);
  const { objects } = connect({ lake, schemaBucket, ...deployment });
  const active = await objects.get(schemaBucket, schemaKeys.active(subject));
  if (active === undefined) throw new CliError(`${subject} has no active schema.`);
  return { file: schemaKeys.active(subject), topic: subject, text: active.body, lake };
}
