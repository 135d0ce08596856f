import type { ObjectStore } from '@lean-ops/common/aws';
import { MAX_SCHEMA_BYTES, schemaKeys, type TopicName } from '@lean-ops/common/core';

/** What the schema bucket holds of a topic. */
export interface Standing {
  /** The text that is in force. */
  readonly active: string | undefined;
  /** An upload waits for its verdict, or waited in vain. */
  readonly pending: boolean;
  /** Was another text refused since, and if it could be read, which? */
  readonly failed: { readonly text: string | undefined } | undefined;
}

export type Decision =
  | 'PUSH'
  /** In force, and nothing else is under way or on record. */
  | 'ACTIVE'
  /** This very text was refused. */
  | 'REFUSED_BEFORE';

/**
 * What to do with a text. Where an upload lies in `pending/`, it is uploaded whatever it is: so a run that was killed is
 * made up for, and an upload that got stuck is set going. What is active although another text was refused since is
 * uploaded too: that ends the topic's status ERROR.
 */
export function decide(text: string, { active, pending, failed }: Standing): Decision {
  if (pending) return 'PUSH';
  if (failed?.text !== undefined && sameSchema(failed.text, text)) return 'REFUSED_BEFORE';
  return active !== undefined && failed === undefined && sameSchema(active, text) ? 'ACTIVE' : 'PUSH';
}

/** Do two texts differ in nothing but white space between their tokens? Order and the spelling of numbers count. */
export function sameSchema(a: string, b: string): boolean {
  return a === b || withoutSpace(a) === withoutSpace(b);
}

function withoutSpace(text: string): string {
  // A string that nothing ends is matched to the end of the text: no text makes this try twice.
  return text.replace(/("(?:[^"\\]+|\\[^]?)*(?:"|$))|[ \t\r\n]+/g, '$1');
}

const ALL = { active: true, pending: true, error: true } as const;

/** @param there which of its files a listing showed; without one, all are looked for */
export async function standingOf(
  topic: TopicName,
  objects: ObjectStore,
  bucket: string,
  there: { readonly active: boolean; readonly pending: boolean; readonly error: boolean } = ALL,
): Promise<Standing> {
  const [active, pending, failed] = await Promise.all([
    there.active ? boundedText(objects, bucket, schemaKeys.active(topic)) : undefined,
    there.pending ? objects.head(bucket, schemaKeys.pending(topic)) : undefined,
    there.error ? objects.head(bucket, schemaKeys.error(topic)) : undefined,
  ]);
  const text = failed === undefined ? undefined : await boundedText(objects, bucket, schemaKeys.failed(topic));
  return { active, pending: pending !== undefined, failed: failed && { text } };
}

/** Files that are too large to be schemas are not read: what is uploaded to `pending/` may be anything. */
async function boundedText(objects: ObjectStore, bucket: string, key: string): Promise<string | undefined> {
  const head = await objects.head(bucket, key);
  if (head === undefined || head.bytes > MAX_SCHEMA_BYTES) return undefined;
  return (await objects.get(bucket, key))?.body;
}
