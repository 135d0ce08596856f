import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ObjectStore } from '@lean-ops/common/aws';
import { isTopicName, schemaKeys } from '@lean-ops/common/core';
import type { Baseline } from './baseline';
import { statedTopic } from './lint-schemas';
import { findSchemas, placeOf, readSchemaText, type SchemaPlace } from './schema-files';
import { listTopics } from '../pipeline/list-topics';

/** What is in force: the schemas under `active/` of the pipeline's bucket. */
export async function activeBaseline(objects: ObjectStore, bucket: string, cwd: string): Promise<Baseline> {
  const active = [...(await listTopics(objects, bucket))].filter(([, { active }]) => active).map(([topic]) => topic);
  return {
    name: `what is active in s3://${bucket}`,
    // A topic whose file lies elsewhere below the path has not gone.
    filesBelow: async (absolute) => {
      const whole = path.basename(absolute) === 'schema.json' ? path.dirname(absolute) : absolute;
      const oneTopic = whole !== absolute || existsSync(path.join(absolute, 'schema.json')) || !existsSync(absolute);
      if (oneTopic) {
        return active.some((topic) => topic === path.basename(whole)) ? [path.join(whole, 'schema.json')] : [];
      }
      const places = await findSchemas([absolute], cwd);
      const here = new Set(await Promise.all(places.map(topicOf)));
      return active.filter((topic) => !here.has(topic)).map((topic) => path.join(absolute, topic, 'schema.json'));
    },
    read: async (absolute) => {
      const topic = await topicOf(placeOf(absolute, cwd));
      if (topic === undefined || !isTopicName(topic) || !active.includes(topic)) return undefined;
      return (await objects.get(bucket, schemaKeys.active(topic)))?.body;
    },
  };
}

/** That of its folder, else the one that the file names. */
async function topicOf(place: SchemaPlace): Promise<string | undefined> {
  if (place.topic !== undefined || !existsSync(place.absolute)) return place.topic;
  const read = await readSchemaText(place);
  return read.ok ? statedTopic(read.text) : undefined;
}
