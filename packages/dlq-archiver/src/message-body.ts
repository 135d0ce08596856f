import type { ObjectStore } from '@lean-ops/common/aws';
import { isObject, ORIGIN_ATTRIBUTE, readOrigin, type MessageOrigin } from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';
import { isOfProcessor } from './dead-letter';

export interface ArchivedBody {
  /** The body as the producer sent it; null when it was put aside in S3 and is gone from there. */
  readonly body: string | null;
  readonly bodyBytes: number;
  /** The object in which sqs-processor put the body aside; null when the letter carries it. */
  readonly overflow: { readonly bucket: string; readonly key: string } | null;
  readonly sourceAttributes: string | null;
}

interface OverflowReference {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
  readonly attributes_key?: string;
}

/**
 * The reference of a letter of sqs-processor whose body was put aside. It is followed only into the archive bucket and below `overflow/`,
 * because whoever can write to the DLQ must not make the archiver read what its role may read elsewhere.
 */
function overflowOf(record: SQSRecord, archiveBucket: string): OverflowReference | undefined {
  if (record.messageAttributes['body_overflow']?.stringValue !== 'true') return undefined;
  try {
    const { overflow } = JSON.parse(record.body) as { overflow?: Partial<OverflowReference> };
    const isOurs = (key: unknown): boolean => typeof key === 'string' && /^overflow\/[A-Za-z0-9_.-]+$/.test(key);
    if (overflow?.bucket !== archiveBucket || !isOurs(overflow.key) || typeof overflow.bytes !== 'number') {
      return undefined;
    }
    if (overflow.attributes_key !== undefined && !isOurs(overflow.attributes_key)) return undefined;
    return overflow as OverflowReference;
  } catch {
    return undefined;
  }
}

/**
 * The whole body of a message, fetched from S3 when it was put aside there. So an archive record is complete by itself and
 * outlives the overflow object, which the bucket's lifecycle removes. The overflow object is not deleted here, because the
 * message may be delivered again and its body would then be gone.
 *
 * @throws whatever the object store throws; the message then stays in the queue
 */
export async function readBody(record: SQSRecord, archiveBucket: string, objects: ObjectStore): Promise<ArchivedBody> {
  const ofProcessor = isOfProcessor(record);
  const attribute = (ofProcessor ? record.messageAttributes['source_attributes']?.stringValue : undefined) ?? null;
  const reference = ofProcessor ? overflowOf(record, archiveBucket) : undefined;
  if (reference === undefined) {
    const { body } = record;
    return { body, bodyBytes: Buffer.byteLength(body), overflow: null, sourceAttributes: attribute };
  }
  const { bucket, key, bytes, attributes_key: attributesKey } = reference;
  const stored = await objects.get(bucket, key);
  const attributes = attributesKey === undefined ? undefined : await objects.get(bucket, attributesKey);
  return {
    body: stored?.body ?? null,
    bodyBytes: bytes,
    overflow: { bucket, key },
    sourceAttributes: attributes?.body ?? attribute,
  };
}

/**
 * Where a letter came from that was sent again, or that corrects another one; undefined for any other, and where its attribute is
 * malformed. A letter of sqs-processor has the attribute among the producer's, and one that came by redrive as its own.
 */
export function originOf(record: SQSRecord, { sourceAttributes }: ArchivedBody): MessageOrigin | undefined {
  const attribute =
    producerAttributes(sourceAttributes)?.[ORIGIN_ATTRIBUTE] ?? record.messageAttributes[ORIGIN_ATTRIBUTE];
  if (!isObject(attribute) || typeof attribute['stringValue'] !== 'string') return undefined;
  const read = readOrigin(attribute['stringValue']);
  return read.ok ? read.origin : undefined;
}

function producerAttributes(sourceAttributes: string | null): Readonly<Record<string, unknown>> | undefined {
  try {
    const { message } = JSON.parse(sourceAttributes ?? '{}') as { message?: unknown };
    return isObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
}
