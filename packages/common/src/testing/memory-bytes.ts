import { createHash } from 'node:crypto';
import type { ByteStore } from '../aws/object-bytes';

/** A ByteStore in memory; `objects` is by `s3://bucket/key`. */
export function memoryBytes(
  initial: Readonly<Record<string, string | Uint8Array>> = {},
): ByteStore & { readonly objects: Map<string, Buffer> } {
  const objects = new Map(Object.entries(initial).map(([uri, body]) => [uri, Buffer.from(body)] as const));
  return {
    objects,
    async get(bucket, key, maxBytes) {
      await Promise.resolve();
      const bytes = objects.get(`s3://${bucket}/${key}`);
      if (bytes === undefined) return undefined;
      const found = {
        etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
        lastModified: new Date('2026-11-23T10:09:00Z'),
      };
      return bytes.length > maxBytes ? { ok: false, size: bytes.length, ...found } : { ok: true, bytes, ...found };
    },
  };
}
