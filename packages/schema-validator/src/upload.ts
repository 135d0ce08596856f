import { bareEtag, isObject, topicOfPendingKey, type JsonObject, type TopicName } from '@lean-ops/common/core';

/**
 * Sequencers compare after zeros are added on the right:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
const SEQUENCER_LENGTH = 32;

/** One object that was put under `pending/`, as EventBridge's event describes it. */
export interface Upload {
  readonly topic: TopicName;
  readonly bucket: string;
  readonly key: string;
  /** The ETag, without quotes. */
  readonly etag: string;
  readonly bytes: number;
  /** Orders the uploads of one key when compared as text. */
  readonly sequencer: string;
  /** The object's version, when the bucket keeps versions: it finds this upload's text even after the next upload. */
  readonly versionId?: string;
  /** The time at which S3 took the object. It is the same at every delivery of the event, so keys may be made of it. */
  readonly at: Date;
}

export type DecodedUpload =
  | { readonly ok: true; readonly upload: Upload }
  | { readonly ok: false; readonly reason: string; readonly key: string | undefined };

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

/**
 * Reads an EventBridge "Object Created" event. Never throws: for any event that is not an upload of a topic's pending
 * schema, the answer has the reason.
 */
export function decodeUpload(event: unknown, schemaBucket: string): DecodedUpload {
  const detail: JsonObject = isObject(member(event, 'detail')) ? (member(event, 'detail') as JsonObject) : {};
  const bucket = member(detail['bucket'], 'name');
  const key = member(detail['object'], 'key');
  const etag = member(detail['object'], 'etag');
  const size = member(detail['object'], 'size');
  const sequencer = member(detail['object'], 'sequencer');
  const versionId = member(detail['object'], 'version-id');
  const at = new Date(String(member(event, 'time')));
  const named = typeof key === 'string' ? key : undefined;
  const refused = (reason: string): DecodedUpload => ({ ok: false, reason, key: named });
  if (bucket !== schemaBucket) return refused('not from the schema bucket');
  if (named === undefined || typeof etag !== 'string' || typeof sequencer !== 'string') {
    return refused('no "Object Created" event: key, etag or sequencer is missing');
  }
  if (Number.isNaN(at.getTime())) return refused('the event has no time');
  const topic = topicOfPendingKey(named);
  // A report cannot be written for an illegal name, because no path is ever built from one.
  if (topic === undefined) return refused('not schemas/{topic}/pending/schema.json with a legal topic name');
  return {
    ok: true,
    upload: {
      topic,
      bucket,
      key: named,
      etag: bareEtag(etag),
      bytes: typeof size === 'number' ? size : 0,
      sequencer: sequencer.toUpperCase().padEnd(SEQUENCER_LENGTH, '0'),
      ...(typeof versionId === 'string' && versionId !== '' && { versionId }),
      at,
    },
  };
}
