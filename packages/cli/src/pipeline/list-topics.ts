import type { ObjectStore } from '@lean-ops/common/aws';
import { isTopicName, schemaKeys, type TopicName } from '@lean-ops/common/core';

/** Which files of a topic lie in the schema bucket. */
export interface TopicFiles {
  readonly active: boolean;
  readonly pending: boolean;
  readonly error: boolean;
}

export const NO_FILES: TopicFiles = { active: false, pending: false, error: false };

/** One listing of all topics: thousands of keys to a request, where a look at each topic takes several. */
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
