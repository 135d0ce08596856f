import type { StoredObject } from '@lean-ops/common/aws';
import {
  bareEtag,
  changeRows,
  firstSchemaRows,
  insertDriftRows,
  compareSchemas,
  LeanOpsError,
  opaqueAttribute,
  readAcceptedSchema,
  schemaKeys,
  tableNameOf,
  type DriftRow,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';
import { archiveText } from './schema-archive';
import type { Collaborators, Resources } from './collaborators';
import { readSchema } from './check-candidate';
import type { ActiveFacts, UploadRegistry } from './upload-registry';
import type { Upload } from './upload';

/** The upload that brought the active schema. It is kept as the object's metadata, so that file and origin change together. */
export interface Origin {
  readonly sequencer: string;
  readonly at: Date;
  /** The archive key of the version before; undefined for a topic's first schema. */
  readonly previous: string | undefined;
}

export interface ActiveSchema extends StoredObject {
  /** undefined when an earlier release or a person put the file there; then it counts as being on record. */
  readonly origin: Origin | undefined;
}

/** The active schema of the upload's topic, or undefined when it has none. */
export async function readActive(
  { topic, bucket }: Pick<Upload, 'topic' | 'bucket'>,
  { objects }: Collaborators,
): Promise<ActiveSchema | undefined> {
  const stored = await objects.get(bucket, schemaKeys.active(topic));
  return stored && { ...stored, origin: originOf(stored.metadata) };
}

function originOf(metadata: StoredObject['metadata'] = {}): Origin | undefined {
  const { sequencer, 'uploaded-at': uploadedAt = '', previous = '' } = metadata;
  const at = new Date(uploadedAt);
  if (sequencer === undefined || Number.isNaN(at.getTime())) return undefined;
  return { sequencer, at, previous: previous === '' ? undefined : previous };
}

/**
 * Step 6: makes the schema the active one. The active file is replaced only while it is the one that this run compared with.
 *
 * @param body the schema in its normal form
 * @param source the author's text, which is kept in `archive/` where it is another one
 * @param operationId the operation whose tables it is for; undefined where an upload alone makes it active
 * @throws an error that `isPreconditionFailed` recognises when another run was faster
 */
export async function activate(
  upload: Upload,
  { objects }: Collaborators,
  body: string,
  active: { readonly file: ActiveSchema; readonly schema: TopicSchema } | undefined,
  { source = body, operationId }: { readonly source?: string; readonly operationId?: string } = {},
): Promise<ActiveSchema> {
  if (active?.file.body === body) return active.file;
  const { topic, bucket, at, sequencer } = upload;
  const previous = active && (await archiveText(objects, bucket, textOf(topic, active.file, active.schema, at)));
  const kept =
    source === body
      ? undefined
      : await archiveText(objects, bucket, { topic, version: versionOf(body), at, body: source });
  const { etag = '' } = await objects.put(bucket, schemaKeys.active(topic), body, {
    ...(active ? { ifMatch: active.file.etag } : { onlyIfAbsent: true }),
    metadata: {
      sequencer,
      'uploaded-at': at.toISOString(),
      previous: previous ?? '',
      ...(kept !== undefined && { source: kept }),
      ...(operationId !== undefined && { operation: operationId }),
    },
  });
  return { body, etag, origin: { sequencer, at, previous } };
}

function versionOf(body: string): number {
  return readAcceptedSchema(body)?.version ?? 0;
}

function textOf(topic: TopicName, file: ActiveSchema, { version }: TopicSchema, now: Date) {
  return { topic, version, at: file.origin?.at ?? file.lastModified ?? now, body: file.body };
}

/**
 * Step 5, and the registry's record of the active schema: writes the changes to drift_log and the facts to the registry.
 * Both follow from the files alone, so that any run can do it for one that died after step 6, and every run does before it
 * changes the active file again. It is safe for several runs at once.
 *
 * @throws LeanOpsError ARCHIVED_SCHEMA_MISSING when the version before is no longer in the archive
 */
export async function putOnRecord(
  { topic, bucket }: Upload,
  { lake }: Resources,
  { objects, athena }: Collaborators,
  registry: UploadRegistry,
  { body, etag, origin }: ActiveSchema,
): Promise<void> {
  if (origin === undefined || (await registry.isOnRecord(origin.sequencer))) return;
  const schema = readSchema(topic, body);
  let rows: readonly DriftRow[] = firstSchemaRows(schema);
  if (origin.previous !== undefined) {
    const previous = await objects.get(bucket, origin.previous);
    if (previous === undefined) throw missing(topic, origin.previous);
    rows = changeRows(schema, compareSchemas(readSchema(topic, previous.body), schema).changes);
  }
  // Every run builds the same text, so they share one INSERT, which looks for the rows before it writes them.
  for (const sql of insertDriftRows(lake, rows, origin.at)) await athena.execute(sql, { shared: true });
  await registry.record(factsOf(topic, etag, origin, schema));
}

/**
 * Writes the facts about the active schema to the registry, where they are not on record yet, so that the jobs validate by
 * it: the part of `putOnRecord` that needs no Athena. The rows of drift_log are still due, and the next run writes them.
 */
export async function enable(
  { topic }: Upload,
  registry: UploadRegistry,
  { body, etag, origin }: ActiveSchema,
): Promise<void> {
  // A damaged file must not keep the verdict on an upload back. The next upload's run names it.
  const schema = readAcceptedSchema(body);
  if (origin !== undefined && schema !== undefined) await registry.enable(factsOf(topic, etag, origin, schema));
}

/** What the registry is to know of an active schema. */
export function factsOf(
  topic: TopicName,
  etag: string,
  { sequencer }: Pick<Origin, 'sequencer'>,
  schema: TopicSchema,
): ActiveFacts {
  return {
    sequencer,
    tableName: tableNameOf(topic),
    version: schema.version,
    etag: bareEtag(etag),
    key: schemaKeys.active(topic),
    opaque: opaqueAttribute(schema),
  };
}

function missing(topic: TopicName, key: string): LeanOpsError {
  return new LeanOpsError(
    'ARCHIVED_SCHEMA_MISSING',
    `what the active schema of ${topic} changed is not on record yet, and ${key} is gone: restore its last version`,
  );
}
