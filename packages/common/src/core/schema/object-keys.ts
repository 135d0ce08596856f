import { isTopicName, type TopicName } from '../topic';

const PENDING = /^schemas\/([^/]+)\/pending\/schema\.json$/;

/** The keys of a topic's files in the schema bucket. */
export const schemaKeys = {
  pending: (topic: TopicName) => `schemas/${topic}/pending/schema.json`,
  active: (topic: TopicName) => `schemas/${topic}/active/schema.json`,
  failed: (topic: TopicName) => `schemas/${topic}/failed/schema.json`,
  error: (topic: TopicName) => `schemas/${topic}/failed/error.json`,
  /**
   * @param at when the version was uploaded, so that everyone who archives it gives it the same key
   * @param etag tells two texts of one version apart that came within one second
   */
  archive: (topic: TopicName, version: number, at: Date, etag?: string) =>
    `schemas/${topic}/archive/${version}-${at
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replace(/[-:]/g, '')}${etag === undefined ? '' : `-${etag}`}.json`,
} as const;

/** The topic of a pending schema's key; undefined for any other key, and for an illegal topic name. */
export function topicOfPendingKey(key: string): TopicName | undefined {
  const name = PENDING.exec(key)?.[1];
  return name !== undefined && isTopicName(name) ? name : undefined;
}
