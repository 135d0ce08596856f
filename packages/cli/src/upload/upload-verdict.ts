import { bareEtag, type Document } from '@lean-ops/common/core';

/** What has become of one upload. */
export type Verdict =
  /** Pending, or under way. `begun`: the validator took an upload of this topic up since. */
  | { readonly verdict: 'WAITING'; readonly begun: boolean }
  | { readonly verdict: 'READY'; readonly version: number | undefined; readonly held: string | undefined }
  /** The code and message are the registry's: of the first problem. */
  | { readonly verdict: 'REFUSED'; readonly code: string | undefined; readonly message: string | undefined }
  /** A newer upload took its place. */
  | { readonly verdict: 'SUPERSEDED' }
  /**
   * It is no longer there, and nothing was decided: removed by hand, or overtaken by the text that was judged last, which a
   * second delivery of that one's event cleared away.
   */
  | { readonly verdict: 'GONE' };

/**
 * The verdict on the upload with this ETag, from the topic's registry item before the upload and now, and from what lies
 * under `pending/` now. The three are not read at one moment: `pending` is read before `now`.
 *
 * - An upload's sequencer is told to nobody but the validator, so the ETag names it: `failed_etag` is that of the upload
 *   settled last when it was refused (a success removes it), `schema_etag` when it became active. `status` says nothing
 *   here: an operator's MAINTENANCE stays through both.
 * - The same text may have been judged before. So it counts only when something was settled since (`settled_sequencer`),
 *   or when `pending/` is empty: the validator clears it after a verdict on this very text, and only then.
 *
 * @param etag without quotes, as are those of the items
 * @param pending the ETag of the pending object; undefined where there is none
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
      held: status === 'READY' ? undefined : status,
    };
  }
  if (pending === etag) {
    return { verdict: 'WAITING', begun: now?.['claimed_sequencer'] !== before?.['claimed_sequencer'] };
  }
  return { verdict: pending !== undefined || settled ? 'SUPERSEDED' : 'GONE' };
}
