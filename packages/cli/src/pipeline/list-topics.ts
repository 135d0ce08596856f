import type { ObjectStore } from '@lean-ops/common/aws';
import { isTopicName, schemaKeys, type TopicName } from '@lean-ops/common/core';

/** Tells which files of a topic the schema bucket has. */
export interface TopicFiles {
  readonly active: boolean;
  readonly pending: boolean;
  readonly error: boolean;
}

export const NO_FILES: TopicFiles = { active: false, pending: false, error: false };

/**
 * The topics of the schema bucket, by one listing: a request lists a thousand keys, where a look at each topic would take
 * several requests.
 */
export async function listTopics(objects: ObjectStore, bucket: string): Promise<Map<TopicName, TopicFiles>> {
  const topics = new Map<TopicName, TopicFiles>();
  for (const key of await objects.list(bucket, 'schemas/')) {
    const topic = /^schemas\/([^/]+)\//.exec(key)?.[1];
    if (topic === undefined || !isTopicName(topic)) continue;
    const files = topics.get(topic) ?? NO_FILES;
    topics.set(topic, {
      active: files.active || key === schemaKeys.active(topic),
      pending: files.pending || key === schemaKeys.pending(topic),
      error: files.error || key === schemaKeys.error(topic),
    });
  }
  return topics;
}
