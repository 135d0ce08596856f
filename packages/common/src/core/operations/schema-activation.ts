/**
 * Operations that make a schema active: a rebuild under a schema that breaks the active one, and the undo of such a rebuild.
 * docs/decisions/0044-breaking-changes.md has the order of their steps.
 */
import type { Document } from '../condition';
import type { TopicName } from '../topic';
import { hexOf, newOperation } from './new-operation';
import { operationIdOf, type Operation } from './operation';
import { readWaitingUpload, waitingUploadItem, type WaitingUpload } from './waiting-upload';

/** The schema that an operation makes active once its tables are as that schema says. */
export interface SchemaActivation {
  /** The key of its text in the schema bucket. */
  readonly schemaKey: string;
  /** The SHA-256 of the text, in hexadecimal digits; undefined where nobody noted it. */
  readonly digest: string | undefined;
  /** The upload that asked for the operation; undefined where somebody gave the schema with a command. */
  readonly upload: WaitingUpload | undefined;
}

/** What an operation activates; undefined for one that changes no schema. */
export function schemaActivationOf({ plan }: Pick<Operation, 'plan'>): SchemaActivation | undefined {
  const { activates, schema_key: schemaKey, schema_digest: digest } = plan;
  if (activates !== true || typeof schemaKey !== 'string') return undefined;
  return {
    schemaKey,
    digest: typeof digest === 'string' ? digest : undefined,
    upload: readWaitingUpload({ waiting_upload: plan['upload'] ?? null }),
  };
}

/** The operation that is about to make a schema active, by its topic's registry item. Uploads wait until it has ended. */
export function activatingOf(item: Document | undefined): string | undefined {
  const operationId = item?.['activating'];
  return typeof operationId === 'string' ? operationId : undefined;
}

/** A breaking schema whose upload asks for a rebuild. */
export interface BreakingUpload {
  readonly topic: TopicName;
  readonly tableName: string;
  readonly upload: WaitingUpload;
  readonly schemaKey: string;
  readonly schemaVersion: number;
  /** The SHA-256 of the text, in hexadecimal digits. */
  readonly digest: string;
  /** The version that is active; it is the one that breaks. */
  readonly activeVersion: number;
  /** Whether other paths are opaque than before: RAW alone has the texts then, and else Standardized has. */
  readonly changesFlattening: boolean;
  /** How many messages may be rejected, as `isRejectionBound` takes it; undefined for any number. */
  readonly maxRejected: string | undefined;
  readonly reason: string;
}

/** The id of the rebuild that an upload asks for. Each delivery of the upload's event gives the same, so that an upload asks once. */
export function rebuildIdOf(topic: TopicName, { at, sequencer }: Pick<WaitingUpload, 'at' | 'sequencer'>): string {
  return operationIdOf(new Date(at), 'rebuild', hexOf(`${topic} ${sequencer}`));
}

/**
 * The rebuild of Curated that an upload asks for, from the rows of Standardized where these have all that the schema needs. Its plan has no epoch: whatever was done to the
 * topic between the upload and its begin, the schema is to become active after it.
 */
export function rebuildForUpload(operationId: string, asked: BreakingUpload, now: Date): Operation {
  const { topic, reason, upload } = asked;
  const requestedBy = `schema upload ${upload.etag}`;
  return newOperation({ operationId, kind: 'rebuild', topic, requestedBy, reason, plan: planOf(asked) }, now);
}

function planOf(asked: BreakingUpload): Document {
  return {
    topic: asked.topic,
    table_name: asked.tableName,
    from: asked.changesFlattening ? 'raw' : 'standardized',
    schema_key: asked.schemaKey,
    schema_version: asked.schemaVersion,
    schema_digest: asked.digest,
    active_version: asked.activeVersion,
    ...(asked.maxRejected !== undefined && { max_rejected: asked.maxRejected }),
    activates: true,
    upload: waitingUploadItem(asked.upload),
  };
}

/**
 * Whether a text bounds the rejected messages of a rebuild: a number of them (`12`), or a share of them (`0.5%`). The plan has it as it
 * is, and scripts/glue/lean_ops/rebuild/plan.py reads it.
 */
export function isRejectionBound(text: string): boolean {
  const [, number, percent] = /^(\d{1,12})(?:\.\d{1,6}(?=%))?(%?)$/.exec(text) ?? [];
  return number !== undefined && (percent === '' || Number.parseFloat(text) <= 100);
}

/** Whether an operation puts tables in place that go with another schema, or anew: a rebuild, and an undo that makes a schema active. */
export function swapsTables(operation: Pick<Operation, 'kind' | 'plan'>): boolean {
  return operation.kind === 'rebuild' || (operation.kind === 'undo' && schemaActivationOf(operation) !== undefined);
}

/** Whether such an operation has begun to change the tables. The job notes it before the first commit. */
export function isSwapping(operation: Pick<Operation, 'kind' | 'plan' | 'step' | 'counts'>): boolean {
  const { step, counts } = operation;
  return swapsTables(operation) && (step === 'APPLIED' || counts['swapping'] === true);
}

/** How far a rebuild has come, by the counts that its job keeps while it builds; undefined before the first of them. */
export interface BuildProgress {
  readonly rowsDone: number;
  readonly rowsTotal: number;
}

export function buildProgressOf({ counts }: Pick<Operation, 'counts'>): BuildProgress | undefined {
  const { rows_done: rowsDone, rows_total: rowsTotal } = counts;
  if (typeof rowsDone !== 'number' || typeof rowsTotal !== 'number' || rowsTotal <= 0) return undefined;
  return { rowsDone: Math.min(rowsDone, rowsTotal), rowsTotal };
}
