import { isPreconditionFailed, type ObjectStore } from '@lean-ops/common/aws';
import { schemaKeys, type TopicName } from '@lean-ops/common/core';
import { hash } from 'node:crypto';

/** The text of a schema, with the facts of the upload that brought it. */
export interface SchemaText {
  readonly topic: TopicName;
  readonly version: number;
  /** The time of the upload. */
  readonly at: Date;
  readonly body: string;
}

/**
 * Keeps a text in `archive/`. The key comes from the text's own upload, so that the text is kept once, however many runs
 * archive it. Nothing in the archive is ever overwritten: a second text of the same version and second gets a longer key.
 *
 * @returns the key of the text
 */
export async function archiveText(
  objects: ObjectStore,
  bucket: string,
  { topic, version, at, body }: SchemaText,
): Promise<string> {
  const short = schemaKeys.archive(topic, version, at);
  if (await putOnce(objects, bucket, short, body)) return short;
  const long = schemaKeys.archive(topic, version, at, hash('sha256', body, 'hex').slice(0, 12));
  await putOnce(objects, bucket, long, body);
  return long;
}

/** Writes the text unless the key is taken. Returns true when the key has this text now, and false when it has another. */
async function putOnce(objects: ObjectStore, bucket: string, key: string, body: string): Promise<boolean> {
  try {
    await objects.put(bucket, key, body, { onlyIfAbsent: true });
    return true;
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
    const kept = await objects.get(bucket, key);
    // Another run's write is under way. The error makes this run start anew, and then it finds the object.
    if (kept === undefined) throw error;
    return kept.body === body;
  }
}
