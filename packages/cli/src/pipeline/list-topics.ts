import type { ObjectStore } from '@lean-ops/common/aws';
import { isTopicName, schemaKeys, type TopicName } from '@lean-ops/common/core';

/** Tells which files of a topic the schema bucket has. */
export interface TopicFiles {
  readonly active: boolean;
  readonly pending: boolean;
  readonly error: boolean;
  /** When each of the files was written, as far as the listing says it. */
  readonly since: { readonly active?: Date; readonly pending?: Date; readonly error?: Date };
}

export const NO_FILES: TopicFiles = { active: false, pending: false, error: false, since: {} };

/**
 * The topics of the schema bucket, by one listing: a request lists a thousand keys, where a look at each topic would take
 * several requests.
 *
 * @param only the one topic to list; by default all of them
 */
export async function listTopics(
  objects: ObjectStore,
  bucket: string,
  only?: TopicName,
): Promise<Map<TopicName, TopicFiles>> {
  const topics = new Map<TopicName, TopicFiles>();
  const prefix = only === undefined ? 'schemas/' : `schemas/${only}/`;
  for (const { key, lastModified } of await objects.list(bucket, prefix)) {
    const topic = /^schemas\/([^/]+)\//.exec(key)?.[1];
    if (topic === undefined || !isTopicName(topic)) continue;
    const files = topics.get(topic) ?? NO_FILES;
    const file = (['active', 'pending', 'error'] as const).find((name) => key === schemaKeys[name](topic));
    const since = file === undefined || lastModified === undefined ? {} : { [file]: lastModified };
    topics.set(topic, { ...files, ...(file && { [file]: true }), since: { ...files.since, ...since } });
  }
  return topics;
}
