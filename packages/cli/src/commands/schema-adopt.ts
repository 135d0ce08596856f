import path from 'node:path';
import { adoptSchema, pathText, topicOfFile, type Adoption, type TopicName } from '@lean-ops/common/core';
import { CliError } from '../errors';
import { adoptionJson, adoptionText, type AdoptedFile } from '../format/adoption';
import type { Connect } from '../pipeline/aws-clients';
import { parseRejectionLimit } from '../plan/rejection-limit';
import { statedTopic } from '../schemas/lint-schemas';
import { locateProblems, locator } from '../schemas/locate-problems';
import { findSchemas, type SchemaLocation } from '../schemas/schema-files';
import { readWholeSchema } from '../schemas/whole-schema';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { EXIT_CODES, formatOption, outputsOption } from './options';
import { saveFile } from './save-file';
import { parseTopic, schemaPlan } from './schema-plan';

export interface AdoptOptions {
  readonly topic?: string;
  readonly out?: string;
  readonly outputs?: string;
  readonly format: Format;
}

/** The plan that follows an adoption is that of `schema plan` without options. */
const PLAN = { days: 7, maxRejected: parseRejectionLimit('0'), samples: 5 } as const;

export const registerSchemaAdopt: RegisterCommand = (schema, { terminal, connect, setExitCode }) => {
  schema
    .command('adopt')
    .description('make a topic schema of any JSON Schema, and report what was kept, changed or left out')
    .argument('<file|dir>', 'a JSON Schema, or a folder of them')
    .option('--topic <topic>', "topic of a single file (default: as the file says, its folder's name or its own)")
    .option(
      '--out <path>',
      'file to write to, or of a folder the folder of {topic}/schema.json (default: standard output)',
    )
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText(
      'after',
      `\nWith --outputs and --out, schema plan says what the adopted file makes of the topic's rows.\n${EXIT_CODES}`,
    )
    .action(async (subject: string, options: AdoptOptions) => {
      setExitCode(await schemaAdopt(subject, options, terminal, connect));
    });
};

/** `schema adopt`: mends schemas until the check accepts them, and reports every change. */
export async function schemaAdopt(
  subject: string,
  options: AdoptOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const { cwd } = terminal;
  const locations = await findSchemas([subject], cwd);
  const isFolder = locations.length !== 1 || locations[0]?.absolute !== path.resolve(cwd, subject);
  if (locations.length === 0) throw new CliError(`no JSON file below ${subject}.`);
  if (isFolder && options.topic !== undefined) throw new CliError('--topic is for a single file.');
  if (isFolder && options.outputs !== undefined) throw new CliError('--outputs plans a single file.');
  if (options.outputs !== undefined && options.out === undefined) {
    throw new CliError('--outputs plans the file that --out names.');
  }
  const asked = options.topic === undefined ? undefined : parseTopic(options.topic);
  const taken = new Set<string>();
  const files: AdoptedFile[] = [];
  for (const location of locations) files.push(await adoptFile(location, asked, taken, isFolder, options, terminal));
  const plan = await planOf(files, options, terminal, connect);
  if (options.format === 'json') terminal.write(adoptionJson(files, plan?.output));
  else {
    terminal.writeError(adoptionText(files));
    if (plan !== undefined) terminal.write(plan.output);
  }
  return files.every(({ adopted }) => adopted) ? (plan?.code ?? EXIT.clean) : EXIT.problems;
}

async function adoptFile(
  location: SchemaLocation,
  asked: TopicName | undefined,
  taken: Set<string>,
  isFolder: boolean,
  { out, format }: AdoptOptions,
  { cwd, write }: Terminal,
): Promise<AdoptedFile> {
  const { file } = location;
  const read = await readWholeSchema(location);
  if (read.text === undefined) {
    const problems = locateProblems(file, read.problems, read.locate);
    return {
      file,
      topic: null,
      out: null,
      adopted: false,
      columns: 0,
      translated: false,
      names: [],
      changes: [],
      warnings: [],
      problems,
      schema: null,
    };
  }
  const topic = asked ?? unused(topicOf(location, read.text), taken);
  const adoption = adoptSchema(read.text, { topic, strength: 'dropping' });
  const target =
    out === undefined ? undefined : isFolder ? path.join(out, topic, 'schema.json').replaceAll(path.sep, '/') : out;
  if (adoption.check.ok) {
    if (target !== undefined) await saveFile(target, adoption.text, cwd);
    else if (!isFolder && format === 'text') write(adoption.text);
  }
  return reportOf(file, topic, target, adoption);
}

function reportOf(
  file: string,
  topic: string,
  target: string | undefined,
  { text, check, changes }: Adoption,
): AdoptedFile {
  const located = locateProblems(file, check.ok ? check.warnings : check.problems, locator(text));
  const columns = check.ok ? check.schema.columns : [];
  return {
    file,
    topic,
    out: check.ok ? (target ?? null) : null,
    adopted: check.ok,
    columns: columns.length,
    translated: check.ok && check.text !== text,
    names: columns
      .filter(({ path: names, column }) => names.join('__') !== column)
      .map(({ path: names, column }) => ({ path: pathText(names), column })),
    changes,
    warnings: located.filter(({ severity }) => severity === 'warning'),
    problems: located.filter(({ severity }) => severity === undefined),
    schema: check.ok ? text : null,
  };
}

/** The topic that the file states, else the name of its folder or of the file itself, in the letters of topics. */
function topicOf({ file, topic, stray }: SchemaLocation, text: string): string {
  return topicOfFile(statedTopic(text) ?? (stray || topic === undefined ? file : topic));
}

function unused(topic: string, taken: Set<string>): string {
  let free = topic;
  for (let count = 2; taken.has(free); count += 1) free = `${topic.slice(0, 120)}-${count}`;
  taken.add(free);
  return free;
}

/** What `schema plan` says of the one file that was adopted, where outputs of a pipeline are given. */
async function planOf(
  files: readonly AdoptedFile[],
  { outputs, format }: AdoptOptions,
  terminal: Terminal,
  connect: Connect,
) {
  const [file] = files;
  if (outputs === undefined || file?.topic == null || file.out === null) return undefined;
  let output = '';
  const into = { ...terminal, write: (text: string) => void (output += text) };
  const code = await schemaPlan(file.topic, file.out, { ...PLAN, outputs, format }, into, connect);
  return { output, code };
}
