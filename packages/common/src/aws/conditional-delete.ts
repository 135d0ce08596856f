import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientOptions, usesPathStyle } from './client-options';
import { isPreconditionFailed } from './objects';

/**
 * Deletes an object only while it has this ETag. Gives false when it was replaced meanwhile, and true when it is gone.
 */
export type DeleteIfMatch = (bucket: string, key: string, etag: string) => Promise<boolean>;

/** S3's conditional delete: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html */
export function s3DeleteIfMatch(
  client: S3Client = new S3Client({ ...clientOptions(), forcePathStyle: usesPathStyle() }),
): DeleteIfMatch {
  return async (bucket, key, etag) => {
    try {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag }));
      return true;
    } catch (error) {
      if (isPreconditionFailed(error)) return false;
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return true;
      throw error;
    }
  };
}
