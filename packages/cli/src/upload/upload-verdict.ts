import { activatingOf, bareEtag, isHeld, readHold, readWaitingUpload, type Document } from '@lean-ops/common/core';

/** The state of one upload, as far as the registry and the bucket show it. */
export type Verdict =
  /** The upload is pending or under way. `begun` is true when schema-validator took up an upload of this topic since. */
  | { readonly verdict: 'WAITING'; readonly begun: boolean }
  /** The schema is in force. `operatorStatus` is a status that an operator set and that stays, such as MAINTENANCE. */
  | { readonly verdict: 'READY'; readonly version: number | undefined; readonly operatorStatus: string | undefined }
  /** The upload was refused. The registry keeps the code and the message of the first problem. */
  | { readonly verdict: 'REFUSED'; readonly code: string | undefined; readonly message: string | undefined }
  /** The topic is held. The upload waits under `pending/` and is decided on when the topic is released. */
  | { readonly verdict: 'PENDING_MAINTENANCE'; readonly heldBy: string | undefined }
  /**
   * It breaks the active schema. The operation that it asked for rebuilds Curated under it, and makes it active. `failed` says why that
   * has failed, until somebody resumes or cancels it.
   */
  | { readonly verdict: 'PENDING_REBUILD'; readonly operation: string; readonly failed?: string }
  /** A newer upload took the place of this one. */
  | { readonly verdict: 'SUPERSEDED' }
  /**
   * The upload is no longer there, and nothing was decided. Somebody removed it, or it was overtaken by an upload of the
   * text that was settled last, which a second delivery of that text's event then cleared away.
   */
  | { readonly verdict: 'GONE' };

/**
 * Finds the verdict on the upload with this ETag. The three readings are not of one moment: `pending` is read before `now`.
 *
 * - Only schema-validator learns an upload's sequencer, so the ETag names the upload here. `failed_etag` is the ETag of
 *   the upload settled last when it was refused (a success removes it), and `schema_etag` when it became active. `status`
 *   does not help, because an operator's MAINTENANCE stays through both.
 * - The same text may have been settled before. So its ETag counts only when something was settled since
 *   (`settled_sequencer`), or when `pending/` is empty: schema-validator empties it only after a verdict on this very text.
 *
 * @param etag the ETag of the upload, without quotes
 * @param before the topic's registry item before the upload
 * @param now the topic's registry item now
 * @param pending the ETag of the object under `pending/`, without quotes; undefined when there is none
 */
export function verdictOn(
  etag: string,
  before: Document | undefined,
  now: Document | undefined,
  pending: string | undefined,
): Verdict {
  const text = (name: string): string | undefined => {
    const value = now?.[name];
    return typeof value === 'string' ? value : undefined;
  };
  const settled = now?.['settled_sequencer'] !== before?.['settled_sequencer'];
  const refused = text('failed_etag');
  const last = refused ?? text('schema_etag');
  if (last !== undefined && bareEtag(last) === etag && (settled || pending === undefined)) {
    if (refused !== undefined) return { verdict: 'REFUSED', code: text('error_code'), message: text('error_message') };
    const version = now?.['schema_version'];
    const status = text('status');
    return {
      verdict: 'READY',
      version: typeof version === 'number' ? version : undefined,
      operatorStatus: status === 'READY' ? undefined : status,
    };
  }
  const waiting = readWaitingUpload(now);
  if (pending === etag && waiting?.etag === etag) {
    if (waiting.rebuild !== undefined) return { verdict: 'PENDING_REBUILD', operation: waiting.rebuild };
    const by = readHold(now)?.operationId ?? activatingOf(now);
    if (isHeld(now) || by !== undefined) return { verdict: 'PENDING_MAINTENANCE', heldBy: by };
  }
  if (pending === etag) {
    return { verdict: 'WAITING', begun: now?.['claimed_sequencer'] !== before?.['claimed_sequencer'] };
  }
  return { verdict: pending !== undefined || settled ? 'SUPERSEDED' : 'GONE' };
}
