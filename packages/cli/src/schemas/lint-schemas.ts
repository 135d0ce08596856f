import {
  checkSchema,
  isObject,
  isTopicName,
  topicClashes,
  type SchemaProblem,
  type TopicFile,
} from '@lean-ops/common/core';
import { groupBy } from './group-by';
import { locateProblems, locator, type LocatedProblem, type Position } from './locate-problems';
import { readSchemaText, type SchemaLocation } from './schema-files';
import { readWholeSchema } from './whole-schema';

export interface LintReport {
  /** Number of files checked. */
  readonly files: number;
  /** Every problem that refuses a schema, ordered by file and then by line. */
  readonly problems: readonly LocatedProblem[];
  /** What refuses nothing and is worth a look, in the same order. */
  readonly warnings?: readonly LocatedProblem[];
}

/** A schema file with the problems found in it. */
export interface CheckedFile {
  readonly location: SchemaLocation;
  /** With the files that it refers to. undefined when the file is not UTF-8, or too large to be read. */
  readonly text: string | undefined;
  /** Warnings are among them. */
  readonly problems: readonly SchemaProblem[];
  /** undefined when the file names no legal topic. */
  readonly topic: TopicFile['topic'] | undefined;
  readonly locate: (pointer: string) => Position;
}

export interface LintResult {
  readonly report: LintReport;
  readonly checked: readonly CheckedFile[];
}

/** Checks each file by itself, then all of them as one set. */
export async function lintSchemas(locations: readonly SchemaLocation[]): Promise<LintResult> {
  const checked: CheckedFile[] = [];
  // Files are read one after the other: reading thousands at a time would gain nothing.
  for (const location of locations) {
    const one = await check(location);
    if (one !== undefined) checked.push(one);
  }
  const topics = checked.flatMap(({ location: { file, folder }, topic }) =>
    topic === undefined ? [] : [{ file, folder, topic }],
  );
  const clashes = groupBy(topicClashes(topics), ({ file }) => file);
  const located = checked.flatMap(({ location: { file }, problems, locate }) => {
    const across = (clashes.get(file) ?? []).map(({ problem }) => problem);
    return locateProblems(file, [...problems, ...across], locate);
  });
  return { report: reportOfFiles(checked.length, located), checked };
}

/** The report on so many files, with warnings beside what refuses a schema. */
export function reportOfFiles(files: number, located: readonly LocatedProblem[]): LintReport {
  const warnings = located.filter(({ severity }) => severity === 'warning');
  return { files, problems: located.filter(({ severity }) => severity === undefined), warnings };
}

async function check(location: SchemaLocation): Promise<CheckedFile | undefined> {
  if (location.stray) return checkStray(location);
  const { text, problems, locate } = await readWholeSchema(location);
  if (text === undefined) return { location, text, problems, topic: undefined, locate };
  const result = checkSchema(text, location.topic === undefined ? {} : { topic: location.topic });
  const topic = statedTopic(text) ?? location.topic;
  return {
    location,
    text,
    // What a missing file would say is not known, so a problem with its reference is none of its own.
    problems: [
      ...problems,
      ...(result.ok ? result.warnings : result.problems).filter(({ path }) => !isAt(problems, path)),
    ],
    topic: topic !== undefined && isTopicName(topic) ? topic : undefined,
    locate,
  };
}

/** Other JSON may lie beside schemas, but a file that names a topic is meant to be a schema. */
async function checkStray(location: SchemaLocation): Promise<CheckedFile | undefined> {
  const read = await readSchemaText(location);
  const stated = read.ok ? statedTopic(read.text) : undefined;
  if (!read.ok || stated === undefined) return undefined;
  return { location, text: read.text, problems: [strayFile(stated)], topic: undefined, locate: locator(read.text) };
}

function isAt(problems: readonly SchemaProblem[], pointer: string): boolean {
  return problems.some(({ path }) => path === pointer);
}

/** The `x-topic` of a schema's text, whether it is a legal topic name or not. */
export function statedTopic(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const topic = isObject(document) ? document['x-topic'] : undefined;
    return typeof topic === 'string' ? topic : undefined;
  } catch {
    return undefined;
  }
}

function strayFile(topic: string): SchemaProblem {
  const name = isTopicName(topic) ? topic : '{topic}';
  return {
    code: 'FILE_NOT_READ',
    path: '/x-topic',
    message: 'the file holds a topic schema, but is not uploaded from here',
    hint: `move it to schemas/${name}/schema.json, or name it on the command line to check it where it is`,
  };
}
