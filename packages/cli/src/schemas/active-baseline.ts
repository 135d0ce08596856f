import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ObjectStore } from '@lean-ops/common/aws';
import { isTopicName, schemaKeys } from '@lean-ops/common/core';
import type { Baseline } from './baseline';
import { statedTopic } from './lint-schemas';
import { findSchemas, locationOf, readSchemaText, type SchemaLocation } from './schema-files';
import { listTopics } from '../pipeline/list-topics';

/** The schemas that are in force: those under `active/` in the pipeline's bucket. */
export async function activeBaseline(objects: ObjectStore, bucket: string, cwd: string): Promise<Baseline> {
  const active = [...(await listTopics(objects, bucket))].filter(([, { active }]) => active).map(([topic]) => topic);
  return {
    name: `what is active in s3://${bucket}`,
    areWhole: true,
    // A topic counts as removed only when no file below the path names it, wherever that file lies.
    filesBelow: async (absolute) => {
      const whole = path.basename(absolute) === 'schema.json' ? path.dirname(absolute) : absolute;
      const oneTopic = whole !== absolute || existsSync(path.join(absolute, 'schema.json')) || !existsSync(absolute);
      if (oneTopic) {
        return active.some((topic) => topic === path.basename(whole)) ? [path.join(whole, 'schema.json')] : [];
      }
      const locations = await findSchemas([absolute], cwd);
      const here = new Set(await Promise.all(locations.map(topicOf)));
      return active.filter((topic) => !here.has(topic)).map((topic) => path.join(absolute, topic, 'schema.json'));
    },
    read: async (absolute) => {
      const topic = await topicOf(locationOf(absolute, cwd));
      if (topic === undefined || !isTopicName(topic) || !active.includes(topic)) return undefined;
      return (await objects.get(bucket, schemaKeys.active(topic)))?.body;
    },
  };
}

/** The topic of a file: the name of its folder, else the topic that the file names. */
async function topicOf(location: SchemaLocation): Promise<string | undefined> {
  if (location.topic !== undefined || !existsSync(location.absolute)) return location.topic;
  const read = await readSchemaText(location);
  return read.ok ? statedTopic(read.text) : undefined;
}
