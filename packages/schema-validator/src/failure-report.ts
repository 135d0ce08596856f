import type { ObjectHead, PutOptions, StoredObject } from '@lean-ops/common/aws';
import { isObject, schemaKeys, type SchemaProblem } from '@lean-ops/common/core';
import type { Collaborators } from './collaborators';
import type { Upload } from './upload';

/** The objects found under `failed/` before. A new report replaces these and nothing newer. */
export interface ReportBefore {
  readonly error: ObjectHead | undefined;
  readonly schema: ObjectHead | undefined;
}

export async function reportBefore({ topic, bucket }: Upload, { objects }: Collaborators): Promise<ReportBefore> {
  const schema = await objects.head(bucket, schemaKeys.failed(topic));
  return { schema, error: await objects.head(bucket, schemaKeys.error(topic)) };
}

/**
 * The problems that a run of this very upload has reported already and did not live to settle; undefined when the report
 * under `failed/` is of another upload, or there is none.
 */
export async function problemsReported(
  { topic, bucket, sequencer }: Upload,
  { objects }: Collaborators,
): Promise<readonly SchemaProblem[] | undefined> {
  const error = await objects.get(bucket, schemaKeys.error(topic));
  if (error?.metadata?.['sequencer'] !== sequencer) return undefined;
  const report: unknown = JSON.parse(error.body);
  // No one but `reportFailure` writes a sequencer beside a report.
  return isObject(report) && Array.isArray(report['errors']) ? (report['errors'] as SchemaProblem[]) : undefined;
}

/** Options of a write that replaces exactly the object that was seen, or writes where none was seen. */
const over = (head: ObjectHead | undefined): PutOptions => (head ? { ifMatch: head.etag } : { onlyIfAbsent: true });

/**
 * Writes the report on a refused upload. `error.json` is written first, so that whoever finds a schema under `failed/` also
 * finds which upload it is from.
 *
 * @param pending the refused object; it has no body when it is too large to be read
 * @throws an error that `isPreconditionFailed` recognises when another run reported meanwhile
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
 * Removes the report under `failed/` when `isObsolete` is true of its upload's sequencer ('' for a report of an earlier
 * release), and also a schema that lost its report. A report that another run writes meanwhile stays.
 */
export async function clearReport(
  { topic, bucket }: Upload,
  { objects, deleteIfMatch }: Collaborators,
  isObsolete: (sequencer: string) => boolean,
): Promise<void> {
  // The schema is read first: a newer schema.json that is seen here has its error.json already.
  const schema = await objects.head(bucket, schemaKeys.failed(topic));
  const error = await objects.get(bucket, schemaKeys.error(topic));
  if (error && !isObsolete(error.metadata?.['sequencer'] ?? '')) return;
  if (schema) await deleteIfMatch(bucket, schemaKeys.failed(topic), schema.etag);
  if (error) await deleteIfMatch(bucket, schemaKeys.error(topic), error.etag);
}
