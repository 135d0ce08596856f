import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  inferSchema,
  oddColumns,
  oddValueNotes,
  profileSample,
  type JsonObject,
  type TopicName,
} from '@lean-ops/common/core';
import { counted } from '../format/text';
import { CliError, unreadableFile } from '../errors';
import type { ExitCode, Format, Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { deliverDraft, type Draft } from './deliver-draft';
import { EXIT_CODES, formatOption } from './options';
import { parseTopic } from './schema-plan';

export interface NewOptions {
  readonly from?: string;
  readonly dir: string;
  readonly format: Format;
}

/** Longest sample that is read, in bytes. */
const MAX_SAMPLE_BYTES = 64 * 1_048_576;

export const registerSchemaNew: RegisterCommand = (schema, { terminal, setExitCode }) => {
  schema
    .command('new')
    .description("write a topic's first schema: from a sample of its messages, or one field to start with")
    .argument('<topic>', 'the topic')
    .option('--from <file>', 'sample of messages: a JSON object or array, or one message a line')
    .option('--dir <folder>', 'folder of the schemas: the file is {folder}/{topic}/schema.json', 'schemas')
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', EXIT_CODES)
    .action(async (topic: string, options: NewOptions) => {
      setExitCode(await schemaNew(topic, options, terminal));
    });
};

/** `schema new`: writes `schemas/{topic}/schema.json`, and never over a file that is there. */
export async function schemaNew(
  topicText: string,
  { from, dir, format }: NewOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const topic = parseTopic(topicText);
  const draft = from === undefined ? blank(topic) : draftOf(topic, await readSample(from, terminal), from);
  const file = path.join(dir, topic, 'schema.json').replaceAll(path.sep, '/');
  const code = await deliverDraft(draft, file, format, terminal);
  if (format === 'text') terminal.write(`${file} written. Edit it, then run: lean-ops schema lint ${file}\n`);
  return code;
}

function blank(topic: TopicName): Draft {
  const document: JsonObject = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: topic,
    description: 'What the messages of this topic are: write it for those who read the table.',
    'x-topic': topic,
    'x-version': 1,
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string', description: 'An example: put the fields of the payload in its place.' } },
  };
  return { topic, document, notes: [] };
}

async function readSample(from: string, { cwd }: Terminal): Promise<string> {
  const file = path.resolve(cwd, from);
  const bytes = await readFileUpTo(MAX_SAMPLE_BYTES, file).catch((error: unknown) => {
    throw unreadableFile(from, error);
  });
  if (bytes === undefined) {
    throw new CliError(`${from} has more than ${MAX_SAMPLE_BYTES} bytes: take a part of it as the sample.`);
  }
  if (!isUtf8(bytes)) throw new CliError(`${from} is not UTF-8 text: save it as UTF-8.`);
  return bytes.toString('utf8');
}

/** The bytes of a file; undefined when there are more than `limit`. */
async function readFileUpTo(limit: number, file: string): Promise<Buffer | undefined> {
  const { size } = await stat(file);
  return size > limit ? undefined : readFile(file);
}

function draftOf(topic: TopicName, text: string, from: string): Draft {
  const { columns, counts, paths, values, notes } = profileSample(text, topic);
  const drafted = inferSchema(topic, 1, columns, { columns: [], leftOut: 0 }, counts, paths);
  if (Object.keys(drafted.document['properties'] as object).length === 0) {
    const why = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
    throw new CliError(
      `${from} has no message of ${topic} with a value that a schema could describe${why}. ` +
        'A sample is a JSON object, a JSON array of messages, or a message on each line.',
    );
  }
  const odd = oddColumns(counts);
  const oddOnes = values.filter(({ column, kind }) =>
    odd.some((one) => one.column === column && one.odd.includes(kind)),
  );
  const source = `drafted from ${counted(counts.rows, 'message')} of ${from}`;
  return {
    topic,
    document: drafted.document,
    notes: [source, ...notes, ...oddValueNotes(odd, oddOnes, paths), ...drafted.notes],
  };
}
