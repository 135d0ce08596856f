import { checkTopic, isObject, LeanOpsError, UNKNOWN_TOPIC } from '@lean-ops/common/core';
import { readPosition, type Position } from './resend-position';

const USAGE =
  'send {"action":"sweep"}, {"action":"resend","s3_key":"…"}, {"action":"resend","topic_name":"…","since":"…"} ' +
  'or {"action":"resend","topic_name":"…","entry":"…"}';

/** The bucket and the prefix under which Firehose puts its error objects. */
export interface ErrorPrefix {
  readonly bucket: string;
  readonly prefix: string;
}

export interface Selection {
  readonly topic: string;
  /** The beginning of an ISO time, which sorts as the index's keys do. */
  readonly since: string;
}

/** One entry of the index. */
export interface EntryName {
  readonly topic: string;
  /** Its sort key, `failed_at_message_id`. */
  readonly entry: string;
}

export interface ResendRequest {
  readonly action: 'resend';
  readonly what: { readonly key: string } | Selection | EntryName;
  readonly errorCode: string | undefined;
  readonly dryRun: boolean;
  /** Where to go on within an entry: the `next` of an answer. */
  readonly from: Position | undefined;
}

export type ReaderRequest =
  | { readonly action: 'record'; readonly key: string; readonly etag: string | undefined }
  | { readonly action: 'ignore'; readonly key: string | undefined; readonly reason: string }
  | { readonly action: 'sweep' }
  | ResendRequest;

function badRequest(message: string): LeanOpsError {
  return new LeanOpsError('BAD_REQUEST', `stream-error-reader: ${message}`);
}

/** True for an object below the error prefix, and false for the placeholder that consoles make for a folder. */
export function isErrorKey(key: string, { prefix }: ErrorPrefix): boolean {
  return key.startsWith(prefix) && !key.endsWith('/');
}

function decodeEvent(event: Readonly<Record<string, unknown>>, errorPrefix: ErrorPrefix): ReaderRequest {
  const detail = isObject(event['detail']) ? event['detail'] : {};
  const bucket = isObject(detail['bucket']) ? detail['bucket']['name'] : undefined;
  const object = isObject(detail['object']) ? detail['object'] : {};
  const { key, etag } = object;
  const ignore = (reason: string): ReaderRequest => ({
    action: 'ignore',
    key: typeof key === 'string' ? key : undefined,
    reason,
  });
  if (bucket !== errorPrefix.bucket) return ignore('not from the archive bucket');
  if (typeof key !== 'string') return ignore('the event names no object');
  if (!isErrorKey(key, errorPrefix)) return ignore(`no object under ${errorPrefix.prefix}`);
  return { action: 'record', key, etag: typeof etag === 'string' ? etag.replace(/^"|"$/g, '') : undefined };
}

function decodeWhat(event: Readonly<Record<string, unknown>>, errorPrefix: ErrorPrefix): ResendRequest['what'] {
  const { s3_key: key, topic_name: topic, since, entry } = event;
  if (key !== undefined) {
    if (topic !== undefined || since !== undefined || entry !== undefined) {
      throw badRequest(
        '"s3_key" names one object, so "topic_name", "since" and "entry" cannot stand beside it: leave either out',
      );
    }
    if (typeof key !== 'string' || !isErrorKey(key, errorPrefix)) {
      throw badRequest(
        `"s3_key" must be the key of an object under ${errorPrefix.prefix}: take it from the index's s3_key`,
      );
    }
    return { key };
  }
  if (typeof topic !== 'string') throw badRequest(`"resend" needs "s3_key", or "topic_name" and "since": ${USAGE}`);
  const checked = checkTopic(topic);
  if (!checked.ok && topic !== UNKNOWN_TOPIC) throw badRequest(`"topic_name": ${checked.message}`);
  if (entry !== undefined) {
    if (since !== undefined)
      throw badRequest('"entry" names one entry of the index, so "since" cannot stand beside it');
    if (typeof entry !== 'string' || entry === '') {
      throw badRequest('"entry" must be the failed_at_message_id of an entry of the index');
    }
    return { topic, entry };
  }
  if (typeof since !== 'string' || !/^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,3})?)?)?Z?)?$/.test(since)) {
    throw badRequest('"since" must be a date or a time in UTC, such as "2026-11-23" or "2026-11-23T10:00:00Z"');
  }
  // The Z is dropped so that `10:00` sorts before `10:00:00.123Z`.
  return { topic, since: since.replace(/Z$/, '') };
}

/**
 * Reads the event that started the function. S3's event about an object outside the error prefix is ignored; a person's
 * request that makes no sense is refused.
 *
 * @throws LeanOpsError BAD_REQUEST with a sentence on what is wrong and how to correct it
 */
export function decodeRequest(event: unknown, errorPrefix: ErrorPrefix): ReaderRequest {
  if (!isObject(event)) throw badRequest(`the event must be an object: ${USAGE}`);
  if (event['detail'] !== undefined && event['action'] === undefined) return decodeEvent(event, errorPrefix);
  const { action, error_code: errorCode, dry_run: dryRun = false } = event;
  if (action === 'sweep') return { action };
  if (action !== 'resend') throw badRequest(`"action" must be "sweep" or "resend": ${USAGE}`);
  if (errorCode !== undefined && (typeof errorCode !== 'string' || errorCode === '')) {
    throw badRequest(
      '"error_code" must be a code of the index, such as "Lambda.ProcessingFailedStatus", or be left out',
    );
  }
  if (typeof dryRun !== 'boolean') throw badRequest('"dry_run" must be true or false');
  const what = decodeWhat(event, errorPrefix);
  const from = event['from'] === undefined ? undefined : readPosition(event['from']);
  if (event['from'] !== undefined && (from === undefined || !('entry' in what))) {
    throw badRequest('"from" goes with "entry", and must be the "next" of an answer');
  }
  return { action, what, errorCode, dryRun, from };
}
