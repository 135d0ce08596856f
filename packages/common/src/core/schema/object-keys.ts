import { isTopicName, type TopicName } from '../topic';

const PENDING = /^schemas\/([^/]+)\/pending\/schema\.json$/;

/** Where the files of a topic lie in the schema bucket. */
export const schemaKeys = {
  pending: (topic: TopicName) => `schemas/${topic}/pending/schema.json`,
  active: (topic: TopicName) => `schemas/${topic}/active/schema.json`,
  failed: (topic: TopicName) => `schemas/${topic}/failed/schema.json`,
  error: (topic: TopicName) => `schemas/${topic}/failed/error.json`,
  /**
   * @param at when the version was uploaded: so that whoever archives it gives it the same name
   * @param etag tells apart two texts of one version that came within one second
   */
  archive: (topic: TopicName, version: number, at: Date, etag?: string) =>
    `schemas/${topic}/archive/${version}-${at
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replace(/[-:]/g, '')}${etag === undefined ? '' : `-${etag}`}.json`,
} as const;

/** The topic whose pending schema this key is; undefined for any other key, and for an illegal topic name. */
export function topicOfPendingKey(key: string): TopicName | undefined {
  const name = PENDING.exec(key)?.[1];
  return name !== undefined && isTopicName(name) ? name : undefined;
}
