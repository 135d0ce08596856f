import type { DocumentStore } from '@lean-ops/common/aws';
import { absent, any, atMost, equals, type Document, type SchemaProblem } from '@lean-ops/common/core';
import type { Upload } from './upload';

/** Statuses that an operator set, and only an operator ends. */
const HELD: ReadonlySet<unknown> = new Set(['MAINTENANCE', 'REBUILDING']);

export type Claim = 'OURS' | 'SETTLED' | 'STALE';

/**
 * The registry item of one upload's topic. `claimed_sequencer` is the newest upload that anyone began to handle: it
 * fences older ones off. `settled_sequencer` is the newest that was handled to the end.
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

  /** Begins, or goes on with, this upload, unless it was settled before or a newer one came. */
  async claim(): Promise<Claim> {
    const { sequencer } = this.upload;
    const item = await this.documents.get(this.table, this.#key);
    if (item?.['settled_sequencer'] === sequencer) return 'SETTLED';
    const ours = await this.documents.update(
      this.table,
      this.#key,
      { set: { claimed_sequencer: sequencer } },
      any(absent('claimed_sequencer'), atMost('claimed_sequencer', sequencer)),
    );
    return ours ? 'OURS' : 'STALE';
  }

  /** False once a newer upload was begun: what is not yet done must then be left to it. */
  async isStillOurs(): Promise<boolean> {
    const item = await this.documents.get(this.table, this.#key);
    return item?.['claimed_sequencer'] === this.upload.sequencer;
  }

  /** False when a newer upload took over: the registry then stays as it is. */
  async settleReady(tableName: string, schemaVersion: number, schemaKey: string): Promise<boolean> {
    const { etag, sequencer } = this.upload;
    const item = await this.documents.get(this.table, this.#key);
    return this.#settle(
      {
        ...this.#status(item, 'READY'),
        processing_enabled: true,
        table_name: tableName,
        schema_version: schemaVersion,
        schema_etag: etag,
        schema_sequencer: sequencer,
        schema_key: schemaKey,
      },
      ['error_code', 'error_message', 'failed_etag'],
    );
  }

  /** Leaves `processing_enabled` and the active version alone: a live topic goes on. False as for settleReady. */
  async settleError(problems: readonly SchemaProblem[]): Promise<boolean> {
    const item = await this.documents.get(this.table, this.#key);
    const [first] = problems;
    return this.#settle({
      ...this.#status(item, 'ERROR'),
      ...(item?.['processing_enabled'] === undefined && { processing_enabled: false }),
      error_code: first?.code ?? 'UNKNOWN',
      error_message: `${first?.message ?? ''}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''}`,
      failed_etag: this.upload.etag,
    });
  }

  #status(item: Document | undefined, status: 'READY' | 'ERROR'): Document {
    return HELD.has(item?.['status']) ? {} : { status };
  }

  #settle(set: Document, remove: readonly string[] = []): Promise<boolean> {
    const { sequencer } = this.upload;
    return this.documents.update(
      this.table,
      this.#key,
      { set: { ...set, settled_sequencer: sequencer, updated_at: this.now().toISOString() }, remove },
      equals('claimed_sequencer', sequencer),
    );
  }
}
