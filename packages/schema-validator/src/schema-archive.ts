import { isPreconditionFailed, type ObjectStore } from '@lean-ops/common/aws';
import { schemaKeys, type TopicName } from '@lean-ops/common/core';
import { hash } from 'node:crypto';

/** A text of a schema, and which upload brought it. */
export interface SchemaText {
  readonly topic: TopicName;
  readonly version: number;
  /** When it was uploaded. */
  readonly at: Date;
  readonly body: string;
}

/**
 * Keeps a text in `archive/`, once, whoever does it and how often: its name comes from the text's own upload. Nothing in
 * the archive is ever overwritten: a second text of one version and one second gets a longer name.
 *
 * @returns the key
 */
export async function archiveText(
  objects: ObjectStore,
  bucket: string,
  { topic, version, at, body }: SchemaText,
): Promise<string> {
  const short = schemaKeys.archive(topic, version, at);
  if (await keep(objects, bucket, short, body)) return short;
  const long = schemaKeys.archive(topic, version, at, hash('sha256', body, 'hex').slice(0, 12));
  await keep(objects, bucket, long, body);
  return long;
}

/** True when the key holds this text now; false when it holds another. */
async function keep(objects: ObjectStore, bucket: string, key: string, body: string): Promise<boolean> {
  try {
    await objects.put(bucket, key, body, { onlyIfAbsent: true });
    return true;
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
    const kept = await objects.get(bucket, key);
    // Somebody's write is under way: the run starts anew and finds it.
    if (kept === undefined) throw error;
    return kept.body === body;
  }
}
