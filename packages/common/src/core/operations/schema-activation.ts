/**
 * Operations that make a schema active: a rebuild under a schema that breaks the active one, and the undo of such a rebuild.
 * docs/decisions/0044-breaking-changes.md has the order of their steps.
 */
import type { Document } from '../condition';
import type { TopicName } from '../topic';
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
  /** How many rows may be rejected: a number of rows, or a share of them in per cent. undefined for any number. */
  readonly maxRejected: string | undefined;
  readonly reason: string;
}

/**
 * The id of the rebuild that an upload asks for. Each delivery of the upload's event gives the same, so that an upload asks once.
 *
 * @param hex six hexadecimal digits, made of the upload's sequencer
 */
export function rebuildIdOf({ at }: Pick<WaitingUpload, 'at'>, hex: string): string {
  return operationIdOf(new Date(at), 'rebuild', hex);
}

/**
 * The rebuild of Curated, from the rows of Standardized, that an upload asks for. Its plan has no epoch: whatever was done to the
 * topic between the upload and its begin, the schema is to become active after it.
 */
export function rebuildForUpload(operationId: string, asked: BreakingUpload, planDigest: string, now: Date): Operation {
  return {
    operationId,
    kind: 'rebuild',
    topic: asked.topic,
    state: 'RUNNING',
    step: 'REQUESTED',
    requestedBy: `schema upload ${asked.upload.etag}`,
    reason: asked.reason,
    plan: planOf(asked),
    planDigest,
    counts: {},
    requestedAt: now.toISOString(),
    updatedAt: now.toISOString(),
    recorded: false,
  };
}

export function planOf(asked: BreakingUpload): Document {
  const bound = asked.maxRejected === undefined ? undefined : rejectionBound(asked.maxRejected);
  return {
    topic: asked.topic,
    table_name: asked.tableName,
    from: 'standardized',
    schema_key: asked.schemaKey,
    schema_version: asked.schemaVersion,
    schema_digest: asked.digest,
    active_version: asked.activeVersion,
    ...(bound !== undefined && { max_rejected: bound }),
    activates: true,
    upload: waitingUploadItem(asked.upload),
  };
}

/**
 * The bound on rejected messages as the job of a rebuild takes it: below 1 a share of them, else a number. undefined for a text
 * that bounds nothing.
 *
 * @param text `12` messages, or `0.5%` of them
 */
export function rejectionBound(text: string): number | undefined {
  const [, number = '', percent] = /^(\d{1,12}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  if (number === '') return undefined;
  if (percent === '') return Number(number);
  return Number(number) < 100 ? Number(number) / 100 : undefined;
}

/** Whether a rebuild has begun to swap its table in. The job notes it before the first commit of the swap. */
export function isSwapping({ kind, step, counts }: Pick<Operation, 'kind' | 'step' | 'counts'>): boolean {
  return kind === 'rebuild' && (step === 'APPLIED' || counts['swapping'] === true);
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
