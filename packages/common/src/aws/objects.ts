import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { clientOptions, usesPathStyle, type ClientSettings } from './client-options';

/** An object that is text. */
export interface StoredObject {
  /** The object's bytes, read as UTF-8. */
  readonly body: string;
  /** The ETag in quotes, as S3 gives it. */
  readonly etag: string;
  readonly lastModified?: Date;
  readonly versionId?: string;
  /** The metadata that was put with it; names are lower-case. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An object whose bytes come one chunk after the other. Whoever opens it reads `chunks`, or a part of them, at once. */
export interface OpenObject {
  /** The object's size. */
  readonly bytes: number;
  /** The bytes. Leaving the loop early ends the transfer. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The facts about an object without its body. */
export interface ObjectHead {
  readonly etag: string;
  readonly bytes: number;
  readonly versionId?: string;
  readonly lastModified?: Date;
}

/** An object as a listing names it. */
export interface ListedObject {
  readonly key: string;
  readonly lastModified?: Date;
}

/** Conditions and properties of a put. */
export interface PutOptions {
  readonly contentType?: string;
  /** The ETag of the object to write over; another object is left as it is. */
  readonly ifMatch?: string;
  /** Whether to write only where there is no object yet. */
  readonly onlyIfAbsent?: boolean;
  /** Milliseconds that the put may take, retries included; by default as long as the client takes. */
  readonly timeoutMs?: number;
  /** Metadata that is kept with the object: lower-case names, values of printable ASCII. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Objects in buckets. `get`, `open` and `head` give undefined for an absent object. A conditional write that loses throws the
 * SDK's error, which `isPreconditionFailed` recognises; every other failure throws too.
 */
export interface ObjectStore {
  get(
    bucket: string,
    key: string,
    options?: { readonly ifMatch?: string; readonly versionId?: string },
  ): Promise<StoredObject | undefined>;
  /** Opens an object that may be too large to hold. A transfer that breaks off throws out of the loop over its chunks. */
  open(bucket: string, key: string): Promise<OpenObject | undefined>;
  head(bucket: string, key: string): Promise<ObjectHead | undefined>;
  put(
    bucket: string,
    key: string,
    body: string | Uint8Array,
    options?: PutOptions,
  ): Promise<{ readonly etag: string | undefined; readonly versionId?: string }>;
  /** Copies inside S3. `ifMatch` is the ETag that the source must still have. */
  copy(
    bucket: string,
    fromKey: string,
    toKey: string,
    options?: { readonly ifMatch?: string; readonly toBucket?: string },
  ): Promise<void>;
  /** Deletes an object, and does nothing where there is none. */
  delete(bucket: string, key: string): Promise<void>;
  /** Gives every object under the prefix in S3's order, which is that of their keys' UTF-8 bytes. */
  list(bucket: string, prefix: string): Promise<readonly ListedObject[]>;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

/**
 * Whether a conditional request (If-Match, If-None-Match) lost: with 412, or with 409 while another write is under way.
 */
export function isPreconditionFailed(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || (error as { name?: string } | undefined)?.name === 'ConditionalRequestConflict';
}

/** The result of a call; undefined where S3 says that there is no such object. */
export async function undefinedWhenMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    // The answer to a HEAD has no body, so its error has no code; both calls share the status. A missing bucket is a
    // fault of configuration and no absent object.
    if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') return undefined;
    throw error;
  }
}

/** The value of `CopySource`, a URL path: each segment is percent-encoded, and the slashes stay. */
function copySource(bucket: string, key: string): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

export function s3Client(settings: Pick<ClientSettings, 'region'> = {}): S3Client {
  return new S3Client({ ...clientOptions(settings), forcePathStyle: usesPathStyle() });
}

export function s3ObjectStore(client: S3Client = s3Client()): ObjectStore {
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
    async open(bucket, key) {
      const answer = await undefinedWhenMissing(client.send(new GetObjectCommand({ Bucket: bucket, Key: key })));
      if (answer === undefined) return undefined;
      // In Node the body is a readable stream of Buffers; the SDK's type also allows for browsers.
      return { bytes: answer.ContentLength ?? 0, chunks: answer.Body as AsyncIterable<Uint8Array> };
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
      const listed: ListedObject[] = [];
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
        );
        for (const { Key: key, LastModified: lastModified } of page.Contents ?? []) {
          if (key !== undefined) listed.push({ key, ...(lastModified && { lastModified }) });
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return listed;
    },
  };
}
