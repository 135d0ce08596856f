import { bareEtag, isObject, topicOfPendingKey, type JsonObject, type TopicName } from '@lean-ops/common/core';

/** One object that was put under `pending/`, as EventBridge tells it. */
export interface Upload {
  readonly topic: TopicName;
  readonly bucket: string;
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
  readonly bytes: number;
  /** Orders the uploads of one key: compares as text. */
  readonly sequencer: string;
  /** Where the bucket keeps versions: this upload's text, also after the next upload. */
  readonly versionId?: string;
  /** When S3 took the object: the same at every delivery of the event, so that what is named by it is written once. */
  readonly at: Date;
}

export type DecodedUpload =
  | { readonly ok: true; readonly upload: Upload }
  | { readonly ok: false; readonly reason: string; readonly key: string | undefined };

/** S3 right-pads with zeros to compare. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
const SEQUENCER_LENGTH = 32;

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

/** Reads an EventBridge "Object Created" event; anything that is not an upload of a topic's pending schema is told, not thrown. */
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
  // No file can be written back for an illegal name: no path is ever built from one.
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
