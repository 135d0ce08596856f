import { createHash } from 'node:crypto';
import type { ObjectStore, StoredObject } from '../aws/objects';

/** The error with which S3 answers a lost condition. */
function preconditionFailed(): Error {
  return Object.assign(new Error('At least one of the pre-conditions you specified did not hold'), {
    name: 'PreconditionFailed',
    $metadata: { httpStatusCode: 412 },
  });
}

/** The bytes in chunks of an odd size, so that whoever reads them meets tokens that are cut. */
async function* inChunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 61) {
    await Promise.resolve();
    yield bytes.subarray(at, at + 61);
  }
}

/**
 * An ObjectStore in memory that honours conditions. `journal` lists every change in order, as `put s3://bucket/key`.
 *
 * @param now gives the time of each write in milliseconds; without it no object has a time
 */
export function memoryObjects(
  initial: Readonly<Record<string, string>> = {},
  now?: () => number,
): ObjectStore & { readonly objects: Map<string, StoredObject>; readonly journal: string[] } {
  const objects = new Map<string, StoredObject>();
  const journal: string[] = [];
  const uri = (bucket: string, key: string): string => `s3://${bucket}/${key}`;
  const versions = new Map<string, StoredObject>();
  const current = new Map<string, string>();
  let puts = 0;
  const store = (
    name: string,
    body: string,
    metadata?: StoredObject['metadata'],
  ): { etag: string; versionId: string } => {
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    puts += 1;
    const versionId = `v${puts}`;
    const stored = { body, etag, ...(metadata && { metadata }), ...(now && { lastModified: new Date(now()) }) };
    objects.set(name, stored);
    versions.set(`${name} ${versionId}`, stored);
    current.set(name, versionId);
    return { etag, versionId };
  };
  for (const [name, body] of Object.entries(initial)) store(name, body);
  return {
    objects,
    journal,
    async get(bucket, key, { ifMatch, versionId } = {}) {
      await Promise.resolve();
      const name = uri(bucket, key);
      const object = versionId === undefined ? objects.get(name) : versions.get(`${name} ${versionId}`);
      if (object && ifMatch !== undefined && object.etag !== ifMatch) throw preconditionFailed();
      return object && { ...object, versionId: versionId ?? current.get(name) ?? '' };
    },
    async open(bucket, key) {
      await Promise.resolve();
      const object = objects.get(uri(bucket, key));
      return object && { bytes: Buffer.byteLength(object.body), chunks: inChunks(Buffer.from(object.body)) };
    },
    async head(bucket, key) {
      await Promise.resolve();
      const object = objects.get(uri(bucket, key));
      return (
        object && {
          etag: object.etag,
          bytes: Buffer.byteLength(object.body),
          versionId: current.get(uri(bucket, key)) ?? '',
          ...(object.lastModified && { lastModified: object.lastModified }),
        }
      );
    },
    async put(bucket, key, body, { ifMatch, onlyIfAbsent = false, metadata } = {}) {
      await Promise.resolve();
      const name = uri(bucket, key);
      const existing = objects.get(name);
      if ((onlyIfAbsent && existing) || (ifMatch !== undefined && existing?.etag !== ifMatch)) {
        throw preconditionFailed();
      }
      journal.push(`put ${name}`);
      return store(name, typeof body === 'string' ? body : Buffer.from(body).toString('utf8'), metadata);
    },
    async copy(bucket, fromKey, toKey, { ifMatch, toBucket = bucket } = {}) {
      await Promise.resolve();
      const source = objects.get(uri(bucket, fromKey));
      if (!source)
        throw Object.assign(new Error('NoSuchKey'), { name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } });
      if (ifMatch !== undefined && source.etag !== ifMatch) throw preconditionFailed();
      journal.push(`copy ${uri(bucket, fromKey)} ${uri(toBucket, toKey)}`);
      store(uri(toBucket, toKey), source.body);
    },
    async delete(bucket, key) {
      await Promise.resolve();
      journal.push(`delete ${uri(bucket, key)}`);
      objects.delete(uri(bucket, key));
    },
    async list(bucket, prefix) {
      await Promise.resolve();
      const start = uri(bucket, '');
      return [...objects]
        .filter(([name]) => name.startsWith(start + prefix))
        .map(([name, { lastModified }]) => ({ key: name.slice(start.length), ...(lastModified && { lastModified }) }))
        .sort((one, other) => (one.key < other.key ? -1 : 1));
    },
  };
}
