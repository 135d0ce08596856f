import { isTopicName, type TopicName } from '../topic';

const PENDING = /^schemas\/([^/]+)\/pending\/schema\.json$/;

/** The keys of a topic's files in the schema bucket. */
export const schemaKeys = {
  pending: (topic: TopicName) => `schemas/${topic}/pending/schema.json`,
  active: (topic: TopicName) => `schemas/${topic}/active/schema.json`,
  /** The text under which an operation rebuilds, where it came with a command. */
  operation: (topic: TopicName, operationId: string) => `schemas/${topic}/operations/${operationId}.json`,
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

/** The names of what an upload says beside its text: why it may break the active schema, and how many rows that may cost. */
export const UPLOAD_METADATA = { breakingReason: 'breaking-reason', maxRejected: 'max-rejected' } as const;

/** A text as metadata of an object, which takes printable ASCII only. */
export function encodeMetadata(text: string): string {
  return encodeURIComponent(text);
}

/** The text that `encodeMetadata` was given; anything that somebody else wrote is taken as it is. */
export function decodeMetadata(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
