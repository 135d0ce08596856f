import type { DeleteIfMatch } from '../aws/conditional-delete';
import type { ObjectStore } from '../aws/objects';

/** S3's conditional delete over an object store in memory. */
export function memoryDeleteIfMatch(objects: ObjectStore): DeleteIfMatch {
  return async (bucket, key, etag) => {
    const head = await objects.head(bucket, key);
    if (head === undefined) return true;
    if (head.etag !== etag) return false;
    await objects.delete(bucket, key);
    return true;
  };
}
