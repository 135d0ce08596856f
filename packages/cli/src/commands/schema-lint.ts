import {
  checkSchema,
  isObject,
  isTopicName,
  topicClashes,
  type SchemaProblem,
  type TopicFile,
} from '@lean-ops/common/core';
import { lintGithub, lintJson, lintText, type LintReport } from '../format/lint';
import { groupBy } from '../group';
import { locateProblems, locator, START, type Place } from '../locate';
import { findSchemas, readSchemaText, type SchemaPlace } from '../schema-files';
import { EXIT, UsageError, type ExitCode, type Format, type Terminal } from '../terminal';

const FORMATTERS = { text: lintText, json: lintJson, github: lintGithub } as const;

/** `schema lint`: checks each file for itself, then all of them as one set. */
export async function schemaLint(
  paths: readonly string[],
  { format }: { readonly format: Format },
  { cwd, write }: Terminal,
): Promise<ExitCode> {
  const report = await lint(await findSchemas(paths, cwd));
  if (report.files === 0) {
    throw new UsageError(`no topic schema below ${paths.join(', ')}: they are named {topic}/schema.json.`);
  }
  write(FORMATTERS[format](report));
  return report.problems.length > 0 ? EXIT.problems : EXIT.clean;
}

interface Checked {
  readonly place: SchemaPlace;
  readonly problems: readonly SchemaProblem[];
  /** undefined where the file names no topic that could be registered. */
  readonly topic: TopicFile['topic'] | undefined;
  readonly locate: (pointer: string) => Place;
}

async function lint(places: readonly SchemaPlace[]): Promise<LintReport> {
  const checked: Checked[] = [];
  // One after the other: thousands of open files gain nothing.
  for (const place of places) {
    const one = await check(place);
    if (one !== undefined) checked.push(one);
  }
  const topics = checked.flatMap(({ place: { file, folder }, topic }) =>
    topic === undefined ? [] : [{ file, folder, topic }],
  );
  const clashes = groupBy(topicClashes(topics), ({ file }) => file);
  return {
    files: checked.length,
    problems: checked.flatMap(({ place: { file }, problems, locate }) => {
      const across = (clashes.get(file) ?? []).map(({ problem }) => problem);
      return locateProblems(file, [...problems, ...across], locate);
    }),
  };
}

async function check(place: SchemaPlace): Promise<Checked | undefined> {
  const read = await readSchemaText(place);
  if (!read.ok)
    return place.stray ? undefined : { place, problems: [read.problem], topic: undefined, locate: () => START };
  const { text } = read;
  const stated = statedTopic(text);
  if (place.stray) {
    // Other JSON may lie beside schemas; what names a topic is meant to be one.
    return stated === undefined
      ? undefined
      : { place, problems: [strayFile(stated)], topic: undefined, locate: locator(text) };
  }
  const result = checkSchema(text, place.topic === undefined ? {} : { topic: place.topic });
  const topic = stated ?? place.topic;
  return {
    place,
    problems: result.ok ? [] : result.problems,
    topic: topic !== undefined && isTopicName(topic) ? topic : undefined,
    locate: locator(text),
  };
}

function statedTopic(text: string): string | undefined {
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
    message: 'the file holds a topic schema, and no upload takes it from here',
    hint: `move it to schemas/${name}/schema.json, or name it on the command line to check it where it is`,
  };
}
