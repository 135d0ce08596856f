import {
  checkSchema,
  isObject,
  isTopicName,
  topicClashes,
  type SchemaProblem,
  type TopicFile,
} from '@lean-ops/common/core';
import { groupBy } from './group-by';
import { locateProblems, locator, START, type LocatedProblem, type Place } from './locate-problems';
import { readSchemaText, type SchemaPlace } from './schema-files';

export interface LintReport {
  /** How many were checked. */
  readonly files: number;
  /** In the order of files, then of lines. */
  readonly problems: readonly LocatedProblem[];
}

/** One file with what was found in it. */
export interface Checked {
  readonly place: SchemaPlace;
  /** undefined where it is no text. */
  readonly text: string | undefined;
  readonly problems: readonly SchemaProblem[];
  /** undefined where the file names no topic that could be registered. */
  readonly topic: TopicFile['topic'] | undefined;
  readonly locate: (pointer: string) => Place;
}

export interface Lint {
  readonly report: LintReport;
  readonly checked: readonly Checked[];
}

/** Checks each file for itself, then all of them as one set. */
export async function lint(places: readonly SchemaPlace[]): Promise<Lint> {
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
  const report = {
    files: checked.length,
    problems: checked.flatMap(({ place: { file }, problems, locate }) => {
      const across = (clashes.get(file) ?? []).map(({ problem }) => problem);
      return locateProblems(file, [...problems, ...across], locate);
    }),
  };
  return { report, checked };
}

async function check(place: SchemaPlace): Promise<Checked | undefined> {
  const read = await readSchemaText(place);
  if (!read.ok) {
    const problems = [read.problem];
    return place.stray ? undefined : { place, text: undefined, problems, topic: undefined, locate: () => START };
  }
  const { text } = read;
  const stated = statedTopic(text);
  if (place.stray) {
    // Other JSON may lie beside schemas; what names a topic is meant to be one.
    return stated === undefined
      ? undefined
      : { place, text, problems: [strayFile(stated)], topic: undefined, locate: locator(text) };
  }
  const result = checkSchema(text, place.topic === undefined ? {} : { topic: place.topic });
  const topic = stated ?? place.topic;
  return {
    place,
    text,
    problems: result.ok ? [] : result.problems,
    topic: topic !== undefined && isTopicName(topic) ? topic : undefined,
    locate: locator(text),
  };
}

/** The x-topic of a text, legal or not. */
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
    message: 'the file holds a topic schema, and no upload takes it from here',
    hint: `move it to schemas/${name}/schema.json, or name it on the command line to check it where it is`,
  };
}
