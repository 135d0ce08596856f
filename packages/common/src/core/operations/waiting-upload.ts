import type { Document } from '../condition';
import { isObject } from '../json/value';

/**
 * A schema upload that waits: for the release of its topic, for the end of an operation, or for the rebuild that it asked for. It
 * has what its event had.
 */
export interface WaitingUpload {
  readonly etag: string;
  readonly sequencer: string;
  readonly since: string;
  readonly bytes: number;
  readonly versionId: string | undefined;
  /** When S3 took the object. */
  readonly at: string;
  /** The rebuild that it asked for, as it breaks the active schema; undefined for one that waits for others. */
  readonly rebuild?: string | undefined;
}

/** An upload as the member `waiting_upload` of its topic's registry item. */
export function waitingUploadItem({ versionId, rebuild, ...upload }: WaitingUpload): Document {
  return {
    ...upload,
    ...(versionId !== undefined && { version_id: versionId }),
    ...(rebuild !== undefined && { rebuild }),
  };
}

export function readWaitingUpload(item: Document | undefined): WaitingUpload | undefined {
  const waiting: unknown = item?.['waiting_upload'];
  if (!isObject(waiting)) return undefined;
  const text = (name: string): string => (typeof waiting[name] === 'string' ? waiting[name] : '');
  if (text('etag') === '' || text('sequencer') === '') return undefined;
  return {
    etag: text('etag'),
    sequencer: text('sequencer'),
    since: text('since'),
    bytes: typeof waiting['bytes'] === 'number' ? waiting['bytes'] : 0,
    versionId: text('version_id') === '' ? undefined : text('version_id'),
    at: text('at'),
    ...(text('rebuild') !== '' && { rebuild: text('rebuild') }),
  };
}

/**
 * The "Object Created" event of a waiting upload, as EventBridge delivered it to schema-validator. It has the same sequencer, so
 * the validator takes it for a second delivery and handles it once.
 */
export function uploadEvent(bucket: string, key: string, upload: WaitingUpload): Document {
  const { at, bytes, etag, sequencer, versionId } = upload;
  return {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    time: at,
    detail: {
      bucket: { name: bucket },
      object: {
        key,
        size: bytes,
        etag,
        sequencer,
        ...(versionId !== undefined && { 'version-id': versionId }),
      },
    },
  };
}
