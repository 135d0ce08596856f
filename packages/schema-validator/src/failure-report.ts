import type { ObjectHead, PutOptions, StoredObject } from '@lean-ops/common/aws';
import { schemaKeys, type SchemaProblem } from '@lean-ops/common/core';
import type { Collaborators } from './collaborators';
import type { Upload } from './upload';

/** What was found under `failed/` before: the report goes over that and nothing newer. */
export interface ReportBefore {
  readonly error: ObjectHead | undefined;
  readonly schema: ObjectHead | undefined;
}

export async function reportBefore({ topic, bucket }: Upload, { objects }: Collaborators): Promise<ReportBefore> {
  const schema = await objects.head(bucket, schemaKeys.failed(topic));
  return { schema, error: await objects.head(bucket, schemaKeys.error(topic)) };
}

const over = (head: ObjectHead | undefined): PutOptions => (head ? { ifMatch: head.etag } : { onlyIfAbsent: true });

/**
 * `error.json` first: who finds a file under `failed/` finds there whose it is.
 *
 * @throws what `isPreconditionFailed` recognises when another run reported meanwhile
 */
export async function reportFailure(
  { topic, bucket, key, etag, at, sequencer }: Upload,
  { objects }: Collaborators,
  pending: Pick<StoredObject, 'etag'> & Partial<StoredObject>,
  problems: readonly SchemaProblem[],
  before: ReportBefore,
): Promise<void> {
  const report = { topic, etag, failed_at: at.toISOString(), errors: problems };
  await objects.put(bucket, schemaKeys.error(topic), `${JSON.stringify(report, null, 2)}\n`, {
    ...over(before.error),
    metadata: { sequencer },
  });
  if (pending.body === undefined) await objects.copy(bucket, key, schemaKeys.failed(topic), { ifMatch: pending.etag });
  else await objects.put(bucket, schemaKeys.failed(topic), pending.body, over(before.schema));
}

/**
 * Removes the report of an upload for which `whose` holds, given its sequencer ('' from an earlier release), and a file
 * that lost its report. A report that comes meanwhile stays.
 */
export async function clearReport(
  { topic, bucket }: Upload,
  { objects, deleteIfMatch }: Collaborators,
  whose: (sequencer: string) => boolean,
): Promise<void> {
  // In this order: a newer schema.json that is seen here has its error.json already.
  const schema = await objects.head(bucket, schemaKeys.failed(topic));
  const error = await objects.get(bucket, schemaKeys.error(topic));
  if (error && !whose(error.metadata?.['sequencer'] ?? '')) return;
  if (schema) await deleteIfMatch(bucket, schemaKeys.failed(topic), schema.etag);
  if (error) await deleteIfMatch(bucket, schemaKeys.error(topic), error.etag);
}
