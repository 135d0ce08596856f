import type { DocumentStore } from '@lean-ops/common/aws';
import {
  absent,
  all,
  any,
  atMost,
  below,
  equals,
  type Condition,
  type Document,
  type SchemaProblem,
} from '@lean-ops/common/core';
import type { Upload } from './upload';

/** Statuses that an operator set, and only an operator ends. */
const HELD: ReadonlySet<unknown> = new Set(['MAINTENANCE', 'REBUILDING']);
/** How many uploads of a topic are remembered, so that an event that comes again late is known. */
const REMEMBERED = 20;

export type Claim = 'OURS' | 'SETTLED' | 'STALE';

/** What the registry tells of the active schema. */
export interface ActiveFacts {
  /** Of the upload that brought it. */
  readonly sequencer: string;
  readonly tableName: string;
  readonly version: number;
  readonly etag: string;
  readonly key: string;
}

/**
 * The registry item of one upload's topic. `claimed_sequencer` is the newest upload that anyone began to handle: it
 * fences older ones off. `settled_sequencer` is the newest that was handled to the end, `settled_recently` the last ones.
 * `schema_sequencer` is the newest whose activation is on record.
 */
export class UploadRegistry {
  constructor(
    private readonly documents: DocumentStore,
    private readonly table: string,
    private readonly upload: Upload,
    private readonly now: () => Date,
  ) {}

  get #key() {
    return { topic_name: this.upload.topic };
  }

  #item(): Promise<Document | undefined> {
    return this.documents.get(this.table, this.#key);
  }

  /** Begins, or goes on with, this upload, unless it was settled before or a newer one came. */
  async claim(): Promise<Claim> {
    const { sequencer } = this.upload;
    if (await this.wasSettled()) return 'SETTLED';
    const ours = await this.documents.update(
      this.table,
      this.#key,
      { set: { claimed_sequencer: sequencer } },
      any(absent('claimed_sequencer'), atMost('claimed_sequencer', sequencer)),
    );
    return ours ? 'OURS' : 'STALE';
  }

  async wasSettled(): Promise<boolean> {
    const item = await this.#item();
    return item?.['settled_sequencer'] === this.upload.sequencer || recent(item).includes(this.upload.sequencer);
  }

  /** Is this upload the last one that was settled, and as READY? */
  async isReady(): Promise<boolean> {
    const item = await this.#item();
    return item?.['settled_sequencer'] === this.upload.sequencer && item['error_code'] === undefined;
  }

  /** False once a newer upload was begun: what is not yet done must then be left to it. */
  async isStillOurs(): Promise<boolean> {
    return (await this.#item())?.['claimed_sequencer'] === this.upload.sequencer;
  }

  /** Is the activation by this upload, or a later one, on record? */
  async isOnRecord(sequencer: string): Promise<boolean> {
    const recorded = (await this.#item())?.['schema_sequencer'];
    return typeof recorded === 'string' && recorded >= sequencer;
  }

  /** Whatever the status, and whoever has the claim: it tells what is active. An older fact never replaces a newer one. */
  async record(active: ActiveFacts): Promise<void> {
    await this.documents.update(
      this.table,
      this.#key,
      { set: factsOf(active) },
      any(absent('schema_sequencer'), below('schema_sequencer', active.sequencer)),
    );
  }

  /** False when a newer upload took over: the registry then stays as it is. */
  async settleReady(active: ActiveFacts): Promise<boolean> {
    return this.#settle((item) => ({
      set: { ...statusOf(item, 'READY'), ...factsOf({ ...active, sequencer: this.upload.sequencer }) },
      remove: ['error_code', 'error_message', 'failed_etag'],
    }));
  }

  /** Leaves `processing_enabled` and the active version alone: a live topic goes on. False as for settleReady. */
  async settleError(problems: readonly SchemaProblem[]): Promise<boolean> {
    const [first] = problems;
    return this.#settle((item) => ({
      set: {
        ...statusOf(item, 'ERROR'),
        ...(item?.['processing_enabled'] === undefined && { processing_enabled: false }),
        error_code: first?.code ?? 'UNKNOWN',
        error_message: `${first?.message ?? ''}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''}`,
        failed_etag: this.upload.etag,
      },
    }));
  }

  async #settle(
    changesOf: (item: Document | undefined) => { readonly set: Document; readonly remove?: readonly string[] },
  ): Promise<boolean> {
    const { sequencer } = this.upload;
    for (;;) {
      const item = await this.#item();
      if (item?.['claimed_sequencer'] !== sequencer) return false;
      const { set, remove = [] } = changesOf(item);
      const settled = {
        settled_sequencer: sequencer,
        settled_recently: [...recent(item).filter((one) => one !== sequencer), sequencer].slice(-REMEMBERED),
        updated_at: this.now().toISOString(),
      };
      const done = await this.documents.update(
        this.table,
        this.#key,
        { set: { ...set, ...settled }, remove },
        // An operator may set a status at any moment, and an overtaken run may tell of an active schema (`record`): what
        // was read must still be so.
        all(equals('claimed_sequencer', sequencer), unchanged(item, 'status'), unchanged(item, 'processing_enabled')),
      );
      if (done) return true;
    }
  }
}

function recent(item: Document | undefined): string[] {
  const list = item?.['settled_recently'];
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];
}

function statusOf(item: Document | undefined, status: 'READY' | 'ERROR'): Document {
  return HELD.has(item?.['status']) ? {} : { status };
}

function factsOf({ sequencer, tableName, version, etag, key }: ActiveFacts): Document {
  return {
    processing_enabled: true,
    table_name: tableName,
    schema_version: version,
    schema_etag: etag,
    schema_sequencer: sequencer,
    schema_key: key,
  };
}

function unchanged(item: Document, attribute: string): Condition {
  const value = item[attribute];
  return typeof value === 'string' || typeof value === 'boolean' ? equals(attribute, value) : absent(attribute);
}
