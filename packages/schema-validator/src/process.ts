import {
  AthenaStatementError,
  changeRows,
  curatedTable,
  firstSchemaRows,
  insertDriftRows,
  MAX_SCHEMA_BYTES,
  schemaKeys,
  standardizedTable,
  tooLarge,
  type Lake,
  type SchemaProblem,
  type TableDefinition,
} from '@lean-ops/common/core';
import {
  claimTable,
  ensureTable,
  type Athena,
  type Catalog,
  type Clock,
  type DeleteIfMatch,
  type DocumentStore,
  type ObjectStore,
  type StoredObject,
} from '@lean-ops/common/aws';
import { judge, type Judgement } from './judge';
import { UploadRegistry } from './registry';
import { bareEtag, type Upload } from './upload';

export interface Collaborators {
  readonly objects: ObjectStore;
  readonly deleteIfMatch: DeleteIfMatch;
  readonly documents: DocumentStore;
  readonly athena: Athena;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

export interface Places {
  readonly lake: Lake;
  readonly registryTable: string;
}

export type Outcome =
  | { readonly outcome: 'READY'; readonly version: number; readonly changes: number }
  | { readonly outcome: 'REFUSED'; readonly problems: readonly SchemaProblem[] }
  /** The event came twice. */
  | { readonly outcome: 'DUPLICATE' }
  /** A newer upload is there, and its own event comes (or came). */
  | { readonly outcome: 'STALE' }
  /** A newer upload came while this one was handled. */
  | { readonly outcome: 'SUPERSEDED' }
  /** Nothing lies under `pending/` any more. */
  | { readonly outcome: 'GONE' };

/** Thrown inside, where a step finds that the schema cannot become active. */
class Refusal extends Error {
  constructor(readonly problems: readonly SchemaProblem[]) {
    super('refused');
  }
}

/**
 * Takes a topic's pending schema through the steps of DESIGN §5. Each step is safe to repeat, and what makes the upload
 * count as handled comes last but one: `pending/` is cleared only after the registry says so. So a run that died
 * anywhere is simply run again (Lambda's asynchronous retries do), and ends where an undisturbed one would have.
 *
 * @throws whatever a service threw that a later try may mend: then nothing is settled
 */
export async function processUpload(upload: Upload, places: Places, deps: Collaborators): Promise<Outcome> {
  const registry = new UploadRegistry(deps.documents, places.registryTable, upload, () => new Date(deps.clock.now()));
  const { bucket, key, etag } = upload;

  const large = upload.bytes > MAX_SCHEMA_BYTES;
  // A file that is refused for its size is not read at all.
  const pending = large ? await deps.objects.head(bucket, key) : await deps.objects.get(bucket, key);
  if (pending && bareEtag(pending.etag) !== etag) return { outcome: 'STALE' };

  const claim = await registry.claim();
  if (claim === 'SETTLED' && pending) await deps.deleteIfMatch(bucket, key, pending.etag);
  if (claim === 'SETTLED') return { outcome: 'DUPLICATE' };
  if (claim === 'STALE') return { outcome: 'STALE' };
  if (!pending) return { outcome: 'GONE' };

  const finish = async (outcome: Outcome, settled: boolean): Promise<Outcome> => {
    if (!settled) return { outcome: 'SUPERSEDED' };
    await deps.deleteIfMatch(bucket, key, pending.etag);
    return outcome;
  };
  try {
    if (large || !('body' in pending)) throw new Refusal([tooLarge(upload.bytes)]);
    const active = await deps.objects.get(bucket, schemaKeys.active(upload.topic));
    const judgement = judge(upload.topic, pending.body, active?.body);
    if (!judgement.ok) throw new Refusal(judgement.problems);
    const tableName = await makeTables(upload, places, deps, judgement);
    if (!(await registry.isStillOurs())) return { outcome: 'SUPERSEDED' };
    await logDrift(places, deps, judgement);
    if (!(await registry.isStillOurs())) return { outcome: 'SUPERSEDED' };
    await activate(upload, deps, judgement, pending, active);
    const { version } = judgement.schema;
    return await finish(
      { outcome: 'READY', version, changes: judgement.changes.length },
      await registry.settleReady(tableName, version, schemaKeys.active(upload.topic)),
    );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!(await registry.isStillOurs())) return { outcome: 'SUPERSEDED' };
    await reportFailure(upload, deps, pending, error.problems);
    return await finish({ outcome: 'REFUSED', problems: error.problems }, await registry.settleError(error.problems));
  }
}

type Accepted = Extract<Judgement, { ok: true }>;

/** Steps 3 and 4. */
async function makeTables(
  { topic }: Upload,
  { lake, registryTable }: Places,
  deps: Collaborators,
  { schema }: Accepted,
): Promise<string> {
  const ownership = await claimTable(deps.documents, registryTable, topic);
  const { tableName } = ownership;
  if (!ownership.owned) {
    const message = `the table ${tableName} belongs to the topic ${ownership.owner}`;
    const hint = "rename this topic: '.', '-' and '_' all become '_' in a table name";
    throw new Refusal([{ code: 'TOPIC_COLLISION', path: '/x-topic', message, hint }]);
  }
  await makeTable(deps, standardizedTable(lake, tableName));
  await makeTable(deps, curatedTable(lake, tableName, schema));
  return tableName;
}

async function makeTable({ athena, catalog }: Collaborators, definition: TableDefinition): Promise<void> {
  const where = `${definition.database}.${definition.table}`;
  try {
    const ensured = await ensureTable(athena, catalog, definition);
    if (ensured.ok) return;
    throw new Refusal(
      ensured.conflicts.map(({ column, tableType, wantedType }) => ({
        code: 'TABLE_CONFLICT',
        path: '/properties',
        message: `${where} has the column ${column} as ${tableType}, which cannot become ${wantedType}`,
        hint: `use a type that ${tableType} fits, or another name for the field`,
      })),
    );
  } catch (error) {
    // What the operator must mend (permissions, databases) is no fault of the schema: it is tried again, not refused.
    if (!(error instanceof AthenaStatementError) || error.disposition !== 'statement') throw error;
    const hint = 'the schema passed every check, and Athena still refused its table: tell the operators';
    throw new Refusal([{ code: error.code, path: '', message: `${where}: ${error.message}`, hint }]);
  }
}

/** Step 5, before the active version changes: a run that dies after that finds no difference to record any more. */
async function logDrift({ lake }: Places, deps: Collaborators, { schema, active, changes }: Accepted): Promise<void> {
  const rows = active ? changeRows(schema, changes) : firstSchemaRows(schema);
  for (const sql of insertDriftRows(lake, rows, new Date(deps.clock.now()))) await deps.athena.execute(sql);
}

/** Step 6. The active file changes only from what this run compared with; a lost race is run again from the start. */
async function activate(
  { topic, bucket, at }: Upload,
  { objects }: Collaborators,
  judgement: Accepted,
  pending: StoredObject,
  active: StoredObject | undefined,
): Promise<void> {
  if (active?.body !== pending.body) {
    if (active && judgement.active) {
      await objects.put(bucket, schemaKeys.archive(topic, judgement.active.version, at), active.body);
    }
    await objects.put(
      bucket,
      schemaKeys.active(topic),
      pending.body,
      active ? { ifMatch: active.etag } : { onlyIfAbsent: true },
    );
  }
  await objects.delete(bucket, schemaKeys.failed(topic));
  await objects.delete(bucket, schemaKeys.error(topic));
}

async function reportFailure(
  { topic, bucket, key, etag, at }: Upload,
  { objects }: Collaborators,
  pending: Pick<StoredObject, 'etag'> & Partial<StoredObject>,
  problems: readonly SchemaProblem[],
): Promise<void> {
  const report = { topic, etag, failed_at: at.toISOString(), errors: problems };
  if (pending.body === undefined) await objects.copy(bucket, key, schemaKeys.failed(topic), { ifMatch: pending.etag });
  else await objects.put(bucket, schemaKeys.failed(topic), pending.body);
  await objects.put(bucket, schemaKeys.error(topic), `${JSON.stringify(report, null, 2)}\n`);
}
