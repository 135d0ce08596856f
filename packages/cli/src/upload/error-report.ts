import {
  bareEtag,
  isObject,
  MAX_SCHEMA_BYTES,
  schemaKeys,
  type SchemaProblem,
  type TopicName,
} from '@lean-ops/common/core';
import type { ObjectStore } from '@lean-ops/common/aws';

/** Longest report that is read, in bytes. One of schema-validator's has some hundred lines. */
const MAX_REPORT_BYTES = 8 * MAX_SCHEMA_BYTES;

/** schema-validator's report on a refused upload: failed/error.json (docs/data-contracts.md). */
export interface ErrorReport {
  /** The ETag of the refused upload, without quotes. */
  readonly etag: string;
  readonly problems: readonly SchemaProblem[];
}

export type ReadReport =
  { readonly ok: true; readonly report: ErrorReport } | { readonly ok: false; readonly reason: string };

/** Parses a topic's failed/error.json. Never throws, because anyone who may write to the bucket may have written it. */
export function parseErrorReport(text: string): ReadReport {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'it is not JSON' };
  }
  const etag = isObject(document) ? document['etag'] : undefined;
  const errors = isObject(document) ? document['errors'] : undefined;
  if (typeof etag !== 'string' || !Array.isArray(errors) || errors.length === 0) {
    return { ok: false, reason: 'it has no etag or errors' };
  }
  const problems = errors.map((error: unknown): SchemaProblem => {
    const text = (name: string, fallback: string): string => {
      const value = isObject(error) ? error[name] : undefined;
      return typeof value === 'string' ? value : fallback;
    };
    return {
      code: text('code', 'UNKNOWN'),
      path: text('path', ''),
      message: text('message', 'error.json does not say what is wrong'),
      hint: text('hint', 'see the log of schema-validator'),
    };
  });
  return { ok: true, report: { etag: bareEtag(etag), problems } };
}

export async function readErrorReport(objects: ObjectStore, bucket: string, topic: TopicName): Promise<ReadReport> {
  const key = schemaKeys.error(topic);
  const head = await objects.head(bucket, key);
  if (head === undefined) return { ok: false, reason: 'it is not there' };
  if (head.bytes > MAX_REPORT_BYTES) return { ok: false, reason: `it has ${head.bytes} bytes` };
  const object = await objects.get(bucket, key);
  return object === undefined ? { ok: false, reason: 'it is not there' } : parseErrorReport(object.body);
}
