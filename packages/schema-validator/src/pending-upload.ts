import type { ObjectHead } from '@lean-ops/common/aws';
import { bareEtag } from '@lean-ops/common/core';
import type { Collaborators } from './collaborators';
import type { Upload } from './upload';

/** Whether an object under `pending/` is this upload's. Two uploads of one text have the same ETag, but different versions. */
export function isOf(upload: Upload, { etag, versionId }: Pick<ObjectHead, 'etag' | 'versionId'>): boolean {
  return upload.versionId === undefined || versionId === undefined
    ? bareEtag(etag) === upload.etag
    : versionId === upload.versionId;
}

/** Clears an upload away, unless a newer one lies in its place, be it of the same text: that has its own event and verdict. */
export async function clearPending(upload: Upload, { objects, deleteIfMatch }: Collaborators): Promise<void> {
  const { bucket, key } = upload;
  const pending = await objects.head(bucket, key);
  if (pending !== undefined && isOf(upload, pending)) await deleteIfMatch(bucket, key, pending.etag);
}
