import { checkTopic, isObject, LeanOpsError, UNKNOWN_TOPIC } from '@lean-ops/common/core';

/** Where error objects are. */
export interface ErrorPlace {
  readonly bucket: string;
  readonly prefix: string;
}

export interface Selection {
  readonly topic: string;
  /** Sorts like the index: the beginning of an ISO time. */
  readonly since: string;
}

export interface ResendRequest {
  readonly action: 'resend';
  readonly what: { readonly key: string } | Selection;
  readonly errorCode: string | undefined;
  readonly dryRun: boolean;
}

export type ReaderRequest =
  | { readonly action: 'record'; readonly key: string; readonly etag: string | undefined }
  | { readonly action: 'ignore'; readonly key: string | undefined; readonly reason: string }
  | { readonly action: 'sweep' }
  | ResendRequest;

const HOW =
  'send {"action":"sweep"}, {"action":"resend","s3_key":"…"} or {"action":"resend","topic_name":"…","since":"…"}';

function bad(message: string): LeanOpsError {
  return new LeanOpsError('BAD_REQUEST', `stream-error-reader: ${message}`);
}

/** An object of the error prefix, and not the placeholder that consoles make for a folder. */
export function isErrorKey(key: string, { prefix }: ErrorPlace): boolean {
  return key.startsWith(prefix) && !key.endsWith('/');
}

function decodeEvent(event: Readonly<Record<string, unknown>>, place: ErrorPlace): ReaderRequest {
  const detail = isObject(event['detail']) ? event['detail'] : {};
  const bucket = isObject(detail['bucket']) ? detail['bucket']['name'] : undefined;
  const object = isObject(detail['object']) ? detail['object'] : {};
  const { key, etag } = object;
  const ignore = (reason: string): ReaderRequest => ({
    action: 'ignore',
    key: typeof key === 'string' ? key : undefined,
    reason,
  });
  if (bucket !== place.bucket) return ignore('not from the archive bucket');
  if (typeof key !== 'string') return ignore('the event names no object');
  if (!isErrorKey(key, place)) return ignore(`no object under ${place.prefix}`);
  return { action: 'record', key, etag: typeof etag === 'string' ? etag.replace(/^"|"$/g, '') : undefined };
}

function decodeWhat(event: Readonly<Record<string, unknown>>, place: ErrorPlace): ResendRequest['what'] {
  const { s3_key: key, topic_name: topic, since } = event;
  if (key !== undefined) {
    if (topic !== undefined || since !== undefined) {
      throw bad('"s3_key" names one object, so "topic_name" and "since" cannot stand beside it: leave either out');
    }
    if (typeof key !== 'string' || !isErrorKey(key, place)) {
      throw bad(`"s3_key" must be the key of an object under ${place.prefix}: take it from the index's s3_key`);
    }
    return { key };
  }
  if (typeof topic !== 'string') throw bad(`"resend" needs "s3_key", or "topic_name" and "since": ${HOW}`);
  const checked = checkTopic(topic);
  if (!checked.ok && topic !== UNKNOWN_TOPIC) throw bad(`"topic_name": ${checked.message}`);
  if (typeof since !== 'string' || !/^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,3})?)?)?Z?)?$/.test(since)) {
    throw bad('"since" must be a date or a time in UTC, such as "2026-11-23" or "2026-11-23T10:00:00Z"');
  }
  // Without its Z, `10:00` sorts before `10:00:00.123Z`.
  return { topic, since: since.replace(/Z$/, '') };
}

/**
 * Reads what started the function. An event of an object that is none of ours is ignored, as a second delivery is; a
 * request of a person that cannot be meant is refused.
 *
 * @throws LeanOpsError BAD_REQUEST saying what, where and how to mend it
 */
export function decodeRequest(event: unknown, place: ErrorPlace): ReaderRequest {
  if (!isObject(event)) throw bad(`the event must be an object: ${HOW}`);
  if (event['detail'] !== undefined && event['action'] === undefined) return decodeEvent(event, place);
  const { action, error_code: errorCode, dry_run: dryRun = false } = event;
  if (action === 'sweep') return { action };
  if (action !== 'resend') throw bad(`"action" must be "sweep" or "resend": ${HOW}`);
  if (errorCode !== undefined && (typeof errorCode !== 'string' || errorCode === '')) {
    throw bad('"error_code" must be a code of the index, such as "Lambda.ProcessingFailedStatus", or be left out');
  }
  if (typeof dryRun !== 'boolean') throw bad('"dry_run" must be true or false');
  return { action, what: decodeWhat(event, place), errorCode, dryRun };
}
