import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { clientOptions, usesPathStyle } from './client-options';

export interface StoredObject {
  /** The object's bytes, read as UTF-8. */
  readonly body: string;
  /** Quoted, as S3 gives it. */
  readonly etag: string;
  readonly lastModified?: Date;
  readonly versionId?: string;
  /** What was put with it; names are lower-case. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ObjectHead {
  readonly etag: string;
  readonly bytes: number;
  readonly versionId?: string;
  readonly lastModified?: Date;
}

export interface PutOptions {
  readonly contentType?: string;
  /** Write only over the object with this ETag. */
  readonly ifMatch?: string;
  /** Write only where no object is yet. */
  readonly onlyIfAbsent?: boolean;
  /** Longest wait, tries included; by default as long as the client takes. */
  readonly timeoutMs?: number;
  /** Kept with the object: lower-case names, printable ASCII. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Objects in buckets. `get` and `head` give undefined for what is not there; a conditional write that loses throws the
 * SDK's error, which `isPreconditionFailed` recognises; every other failure throws too.
 */
export interface ObjectStore {
  get(
    bucket: string,
    key: string,
    options?: { readonly ifMatch?: string; readonly versionId?: string },
  ): Promise<StoredObject | undefined>;
  head(bucket: string, key: string): Promise<ObjectHead | undefined>;
  put(
    bucket: string,
    key: string,
    body: string | Uint8Array,
    options?: PutOptions,
  ): Promise<{ readonly etag: string | undefined; readonly versionId?: string }>;
  /** Copies inside S3. `ifMatch` is the ETag the source must still have. */
  copy(
    bucket: string,
    fromKey: string,
    toKey: string,
    options?: { readonly ifMatch?: string; readonly toBucket?: string },
  ): Promise<void>;
  /** Deleting what is not there is fine. */
  delete(bucket: string, key: string): Promise<void>;
  /** Every key under the prefix, in S3's (UTF-8 byte) order. */
  list(bucket: string, prefix: string): Promise<readonly string[]>;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

/** True when a conditional request (If-Match, If-None-Match) lost: 412, or 409 while another write is under way. */
export function isPreconditionFailed(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || (error as { name?: string } | undefined)?.name === 'ConditionalRequestConflict';
}

export async function undefinedWhenMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    // A HEAD answer has no body, so its error has no code: the status is what both calls share.
    // NoSuchBucket is a fault of configuration, not an absent object.
    if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') return undefined;
    throw error;
  }
}

/** `CopySource` is a URL path: each segment percent-encoded, the slashes kept. */
function copySource(bucket: string, key: string): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

export function s3ObjectStore(
  client: S3Client = new S3Client({ ...clientOptions(), forcePathStyle: usesPathStyle() }),
): ObjectStore {
  return {
    async get(bucket, key, { ifMatch, versionId } = {}) {
      const answer = await undefinedWhenMissing(
        client.send(new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: ifMatch, VersionId: versionId })),
      );
      if (answer === undefined) return undefined;
      return {
        body: (await answer.Body?.transformToString('utf-8')) ?? '',
        etag: answer.ETag ?? '',
        ...(answer.LastModified && { lastModified: answer.LastModified }),
        ...(answer.VersionId !== undefined && { versionId: answer.VersionId }),
        ...(answer.Metadata && { metadata: answer.Metadata }),
      };
    },
    async head(bucket, key) {
      const answer = await undefinedWhenMissing(client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
      if (answer === undefined) return undefined;
      return {
        etag: answer.ETag ?? '',
        bytes: answer.ContentLength ?? 0,
        ...(answer.VersionId !== undefined && { versionId: answer.VersionId }),
        ...(answer.LastModified && { lastModified: answer.LastModified }),
      };
    },
    async put(
      bucket,
      key,
      body,
      { contentType = 'application/json', ifMatch, onlyIfAbsent = false, timeoutMs, metadata } = {},
    ) {
      const answer = await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: contentType,
          IfMatch: ifMatch,
          ...(metadata && { Metadata: { ...metadata } }),
          ...(onlyIfAbsent && { IfNoneMatch: '*' }),
        }),
        timeoutMs === undefined ? {} : { abortSignal: AbortSignal.timeout(timeoutMs) },
      );
      return { etag: answer.ETag, ...(answer.VersionId !== undefined && { versionId: answer.VersionId }) };
    },
    async copy(bucket, fromKey, toKey, { ifMatch, toBucket = bucket } = {}) {
      await client.send(
        new CopyObjectCommand({
          Bucket: toBucket,
          Key: toKey,
          CopySource: copySource(bucket, fromKey),
          CopySourceIfMatch: ifMatch,
        }),
      );
    },
    async delete(bucket, key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
    async list(bucket, prefix) {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return keys;
    },
  };
}
