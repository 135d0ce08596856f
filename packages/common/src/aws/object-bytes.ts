import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientOptions, usesPathStyle } from './client-options';
import { undefinedWhenMissing } from './objects';

/** The bytes of an object, or its size where that is over the limit. */
export type ObjectBytes =
  | { readonly ok: true; readonly bytes: Buffer; readonly etag: string; readonly lastModified: Date | undefined }
  | { readonly ok: false; readonly size: number; readonly etag: string; readonly lastModified: Date | undefined };

/** Reads objects as bytes, and only up to a size that fits into memory. */
export interface ByteStore {
  /** Gives undefined for an absent object, and `ok: false` for one of more than `maxBytes`, without reading it. */
  get(bucket: string, key: string, maxBytes: number): Promise<ObjectBytes | undefined>;
}

export function s3ByteStore(
  // A hundred megabytes take their time, so only a silent socket ends a call.
  client: S3Client = new S3Client({ ...clientOptions({ requestTimeoutMs: 60_000 }), forcePathStyle: usesPathStyle() }),
): ByteStore {
  return {
    async get(bucket, key, maxBytes) {
      const answer = await undefinedWhenMissing(client.send(new GetObjectCommand({ Bucket: bucket, Key: key })));
      if (answer === undefined) return undefined;
      const { ETag: etag = '', LastModified: lastModified, ContentLength: size = 0, Body } = answer;
      if (size > maxBytes) {
        // A body that is not read would keep its connection.
        (Body as { destroy?: () => void } | undefined)?.destroy?.();
        return { ok: false, size, etag, lastModified };
      }
      const read = await Body?.transformToByteArray();
      const bytes = read === undefined ? Buffer.alloc(0) : Buffer.from(read.buffer, read.byteOffset, read.byteLength);
      return { ok: true, bytes, etag, lastModified };
    },
  };
}
