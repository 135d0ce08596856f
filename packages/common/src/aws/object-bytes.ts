import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientOptions, usesPathStyle } from './client-options';
import { undefinedWhenMissing } from './objects';

export type ObjectBytes =
  | { readonly ok: true; readonly bytes: Buffer; readonly etag: string; readonly lastModified: Date | undefined }
  | { readonly ok: false; readonly size: number; readonly etag: string; readonly lastModified: Date | undefined };

/** Objects that are not text of ours, or large: as bytes, and only up to a size that fits into memory. */
export interface ByteStore {
  /** Undefined for what is not there; `ok: false` for what is larger than `maxBytes`, without reading it. */
  get(bucket: string, key: string, maxBytes: number): Promise<ObjectBytes | undefined>;
}

export function s3ByteStore(
  // A hundred megabytes take their time; the socket's silence is what ends a call.
  client: S3Client = new S3Client({ ...clientOptions({ requestTimeoutMs: 60_000 }), forcePathStyle: usesPathStyle() }),
): ByteStore {
  return {
    async get(bucket, key, maxBytes) {
      const answer = await undefinedWhenMissing(client.send(new GetObjectCommand({ Bucket: bucket, Key: key })));
      if (answer === undefined) return undefined;
      const { ETag: etag = '', LastModified: lastModified, ContentLength: size = 0, Body } = answer;
      if (size > maxBytes) {
        // Whoever leaves a body unread keeps its connection.
        (Body as { destroy?: () => void } | undefined)?.destroy?.();
        return { ok: false, size, etag, lastModified };
      }
      const read = await Body?.transformToByteArray();
      const bytes = read === undefined ? Buffer.alloc(0) : Buffer.from(read.buffer, read.byteOffset, read.byteLength);
      return { ok: true, bytes, etag, lastModified };
    },
  };
}
