import type { ObjectStore } from '@lean-ops/common/aws';
import { MAX_SCHEMA_BYTES, schemaKeys, type TopicName } from '@lean-ops/common/core';

/** The files of one topic in the schema bucket, as far as they decide about an upload. */
export interface UploadState {
  /** The text that is in force; undefined when the topic has none. */
  readonly active: string | undefined;
  /** True when an upload waits for its verdict, or got stuck. */
  readonly pending: boolean;
  /** Present when a text was refused since the active one; its text is undefined when it could not be read. */
  readonly failed: { readonly text: string | undefined } | undefined;
}

export type UploadDecision =
  | 'PUSH'
  /** The text is in force, and nothing else is under way or was refused since. */
  | 'ACTIVE'
  /** This very text was refused, or its tries ended. */
  | 'REFUSED_BEFORE';

const ALL_FILES = { active: true, pending: true, error: true } as const;

/**
 * Decides whether to upload a text. While an upload lies in `pending/` the text is always uploaded, which makes up for a
 * killed run and sets a stuck upload going. A text that is active although one was refused since is uploaded too, because that
 * ends the topic's status ERROR. It may be the very text that was refused: an operation has made it active since.
 */
export function decideUpload(text: string, { active, pending, failed }: UploadState): UploadDecision {
  if (pending) return 'PUSH';
  const isActive = active !== undefined && sameSchema(active, text);
  if (isActive) return failed === undefined ? 'ACTIVE' : 'PUSH';
  return failed?.text !== undefined && sameSchema(failed.text, text) ? 'REFUSED_BEFORE' : 'PUSH';
}

/** True when two texts differ only in white space between tokens. The order of keys and the spelling of numbers count. */
export function sameSchema(a: string, b: string): boolean {
  return a === b || withoutSpace(a) === withoutSpace(b);
}

function withoutSpace(text: string): string {
  // A string without an end is matched to the end of the text, so that no text makes the pattern try twice.
  return text.replace(/("(?:[^"\\]+|\\[^]?)*(?:"|$))|[ \t\r\n]+/g, '$1');
}

/**
 * Reads the upload state of a topic.
 *
 * @param listed the files of the topic that a listing showed; by default each is looked for
 */
export async function readUploadState(
  topic: TopicName,
  objects: ObjectStore,
  bucket: string,
  listed: { readonly active: boolean; readonly pending: boolean; readonly error: boolean } = ALL_FILES,
): Promise<UploadState> {
  const [active, pending, failed] = await Promise.all([
    listed.active ? boundedText(objects, bucket, schemaKeys.active(topic)) : undefined,
    listed.pending ? objects.head(bucket, schemaKeys.pending(topic)) : undefined,
    listed.error ? objects.head(bucket, schemaKeys.error(topic)) : undefined,
  ]);
  const text = failed === undefined ? undefined : await boundedText(objects, bucket, schemaKeys.failed(topic));
  return { active, pending: pending !== undefined, failed: failed && { text } };
}

/** The text of an object; undefined when it is missing, or too large for a schema: anything may have been uploaded. */
export async function boundedText(objects: ObjectStore, bucket: string, key: string): Promise<string | undefined> {
  const head = await objects.head(bucket, key);
  if (head === undefined || head.bytes > MAX_SCHEMA_BYTES) return undefined;
  return (await objects.get(bucket, key))?.body;
}
