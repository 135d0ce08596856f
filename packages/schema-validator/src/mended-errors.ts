import { getOperation, requestOperation } from '@lean-ops/common/aws';
import {
  activatingOf,
  checkSchema,
  equals,
  isHeld,
  LeanOpsError,
  lockKeyOf,
  messageOf,
  readLock,
  readReplayVerdict,
  readSelection,
  readValidationSchema,
  replayForSchema,
  replayStatements,
  selectionStatement,
  tableNameOf,
  type Document,
  type MendingSchema,
  type ReplayVerdict,
  type SelectedCause,
  type TopicName,
} from '@lean-ops/common/core';
import { readActive, type Origin } from './activation';
import type { Collaborators, Resources } from './collaborators';

/** What a schema version that has become active does for the errors that were on record before. */
export type Mended =
  /** It was counted before, it is the topic's first one, or it is not active any more. */
  | { readonly counted: false }
  | {
      readonly counted: true;
      readonly version: number;
      /** Open errors that are valid under it, and of how many fingerprints they are. */
      readonly errors: number;
      readonly fingerprints: number;
      /** What became of their replay, where the schema asks for it. */
      readonly replay?: { readonly operation: string } | { readonly not: string };
    };

/** A signature is part of the operation's plan, and an item of DynamoDB has 400 KB. */
const MAX_SIGNATURES = 1_000;

/**
 * Counts the topic's open errors that are valid under its active schema, by the SQL of `lean-ops errors replay`, and puts the number
 * into the registry. With `x-replay-errors` it asks for their replay. It is called once an upload has its verdict, so nothing
 * that fails here changes that; a run that comes again does what is not done yet.
 *
 * @throws whatever a service threw
 */
export async function countMended(
  topic: TopicName,
  bucket: string,
  { lake, registryTable, operationsTable }: Resources,
  deps: Collaborators,
): Promise<Mended> {
  const { documents, athena, clock } = deps;
  const key = { topic_name: topic };
  const item = await documents.get(registryTable, key);
  const version = item?.['schema_version'];
  if (typeof version !== 'number' || item?.['mended_at_version'] === version) return { counted: false };
  const active = await readActive({ topic, bucket }, deps);
  // A topic's first schema meets no errors of Curated's.
  if (active?.origin?.previous === undefined) return { counted: false };
  const check = checkSchema(active.body, { topic });
  if (!check.ok || check.schema.version !== version) return { counted: false };
  const until = new Date(clock.now());
  const selection = { topic, until };
  const rows = readSelection((await athena.query(selectionStatement(lake, selection))).rows);
  const causes = rows.filter(({ layer, rows: all, gone }) => layer === 'curated' && all > gone);
  let verdict: ReplayVerdict | undefined;
  if (causes.length > 0) {
    const rules = readValidationSchema(check.text, check.document);
    const target = { schema: rules, tableName: tableNameOf(topic), hasCurated: true };
    const statements = replayStatements(lake, selection, target);
    const answers = await Promise.all(statements.map(async ({ sql }) => (await athena.query(sql)).rows));
    verdict = readReplayVerdict(statements, answers);
  }
  const { valid = 0, mended = [] } = verdict ?? {};
  const asked: MendingSchema | undefined =
    check.schema.replayErrors && valid > 0
      ? mendingOf({ topic, version, valid, until }, active.origin, causes, mended)
      : undefined;
  const replay = asked && (await requestReplay(asked, registryTable, operationsTable, deps));
  await documents.update(
    registryTable,
    key,
    {
      set: {
        mended_errors: valid,
        mended_fingerprints: mended.length,
        mended_at_version: version,
        ...(replay !== undefined && 'operation' in replay && { mended_by: replay.operation }),
      },
      remove: replay !== undefined && 'operation' in replay ? [] : ['mended_by'],
    },
    equals('schema_version', version),
  );
  return { counted: true, version, errors: valid, fingerprints: mended.length, ...(replay && { replay }) };
}

/** A replay was requested, and its execution could not be started: the delivery has to come again, which starts it. */
export class ReplayNotStartedError extends LeanOpsError {
  constructor(operationId: string, cause: unknown) {
    super('REPLAY_NOT_STARTED', `${operationId} was requested and could not be started: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/**
 * As `countMended`, but tells of a failure instead of throwing.
 *
 * @throws ReplayNotStartedError
 */
export async function countMendedSafely(
  topic: TopicName,
  bucket: string,
  resources: Resources,
  deps: Collaborators,
): Promise<Mended | { readonly counted: false; readonly failed: string }> {
  try {
    return await countMended(topic, bucket, resources, deps);
  } catch (error) {
    if (error instanceof ReplayNotStartedError) throw error;
    return { counted: false, failed: messageOf(error) };
  }
}

function mendingOf(
  { topic, version, valid, until }: Pick<MendingSchema, 'topic' | 'version' | 'valid' | 'until'>,
  { at, sequencer }: Origin,
  causes: readonly SelectedCause[],
  mended: readonly string[],
): MendingSchema {
  const signatures = causes.filter(({ fingerprint }) => mended.includes(fingerprint)).map(({ signature }) => signature);
  const tableName = tableNameOf(topic);
  return { topic, tableName, version, at, sequencer, valid, until, signatures: signatures.slice(0, MAX_SIGNATURES) };
}

/** Asks for the replay, unless the topic is held or another operation has it: then somebody has to ask for it. */
async function requestReplay(
  asked: MendingSchema,
  registryTable: string,
  operationsTable: string,
  { documents, machine, clock }: Collaborators,
): Promise<{ readonly operation: string } | { readonly not: string }> {
  const { topic } = asked;
  const tables = { operations: operationsTable, registry: registryTable };
  const operation = replayForSchema(asked, new Date(clock.now()));
  const { operationId } = operation;
  const [known, item, lock] = await Promise.all([
    getOperation(documents, tables, operationId),
    documents.get(registryTable, { topic_name: topic }),
    documents.get(operationsTable, lockKeyOf(topic)),
  ]);
  if (known === undefined) {
    const busy = busyWith(item, readLock(lock)?.holder);
    if (busy !== undefined) return { not: busy };
    if (!(await requestOperation(documents, tables, operation))) return { not: 'another operation took the topic' };
  }
  // A name stands for one execution, so a run that comes again starts none beside it.
  if (known === undefined || known.state === 'RUNNING') {
    try {
      await machine.start(operationId, { operation_id: operationId });
    } catch (error) {
      // It has the topic's lock by now, and nobody would take it up.
      throw new ReplayNotStartedError(operationId, error);
    }
  }
  return { operation: operationId };
}

function busyWith(item: Document | undefined, holder: string | undefined): string | undefined {
  if (holder !== undefined) return `${holder} has the topic`;
  if (isHeld(item)) return 'the topic is held';
  return activatingOf(item);
}
