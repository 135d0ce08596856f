import type { DocumentStore } from '@lean-ops/common/aws';
import {
  absent,
  activatingOf,
  all,
  any,
  atMost,
  below,
  equals,
  HELD_STATUSES,
  isHeld,
  readWaitingUpload,
  TRIES_ENDED,
  unchanged,
  waitingUploadItem,
  type Condition,
  type Document,
  type SchemaProblem,
  type WaitingUpload,
} from '@lean-ops/common/core';
import { ddlBegun, ddlEnded, ddlUnchanged } from './ddl-leases';
import type { Upload } from './upload';

/** Number of settled uploads that a topic's item remembers, so that an event delivered again late is recognised. */
const REMEMBERED = 20;

export type Claim = 'OURS' | 'SETTLED' | 'STALE';

/** Whether the DDL of an upload may begin. */
export type DdlStart = 'BEGUN' | 'WAIT' | 'OVERTAKEN';

/** The facts about the active schema that the registry records. */
export interface ActiveFacts {
  /** The sequencer of the upload that brought the schema. */
  readonly sequencer: string;
  readonly tableName: string;
  readonly version: number;
  readonly etag: string;
  readonly key: string;
  /** As `opaqueAttribute` gives it. */
  readonly opaque: readonly string[] | string | undefined;
}

/**
 * The registry item of one upload's topic. `claimed_sequencer` is the newest upload that any run began to handle, and it
 * fences older ones off. `settled_sequencer` is the newest upload that was handled to the end, and `settled_recently` lists
 * the last ones. `schema_sequencer` is the newest upload whose activation is on record. `ddl` has jobs leave the topic's tables
 * alone while this upload alters them, and `waiting_upload` is the upload that waits for the release of a held topic.
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

  /** Claims the topic for this upload, unless the upload was settled before or a newer one came. */
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
    return this.#isSettledIn(await this.#item());
  }

  /** True when this upload was the last one settled, and was settled as READY. */
  async isReady(): Promise<boolean> {
    const item = await this.#item();
    return item?.['settled_sequencer'] === this.upload.sequencer && item['error_code'] === undefined;
  }

  /** True when the verdict is that this upload's tries ended, and no newer one has claimed the topic. */
  async hasEnded(): Promise<boolean> {
    const item = await this.#item();
    const { sequencer } = this.upload;
    if (item?.['claimed_sequencer'] !== sequencer) return false;
    return item['settled_sequencer'] === sequencer && item['error_code'] === TRIES_ENDED;
  }

  /** False once a newer upload has claimed the topic; what this run has not done yet is then left to that one. */
  async isStillOurs(): Promise<boolean> {
    return (await this.#item())?.['claimed_sequencer'] === this.upload.sequencer;
  }

  /**
   * Holds the topic for this upload's DDL, unless an operator holds it or an operation is about to make a schema active. The lease ends with the verdict, or runs out after a run
   * that died. That of an older upload, whose statements may be at work, stays beside it.
   */
  async beginDdl(): Promise<DdlStart> {
    const { sequencer } = this.upload;
    for (;;) {
      const item = await this.#item();
      if (item?.['claimed_sequencer'] !== sequencer) return 'OVERTAKEN';
      if (isHeld(item) || activatingOf(item) !== undefined) return 'WAIT';
      const ddl = ddlBegun(item, sequencer, this.now());
      const ours = all(
        equals('claimed_sequencer', sequencer),
        unchanged(item, 'status'),
        absent('activating'),
        ddlUnchanged(item),
      );
      if (await this.documents.update(this.table, this.#key, { set: { ddl } }, ours)) return 'BEGUN';
    }
  }

  /** Gives the lease for this upload's DDL back. That of another upload stays. */
  async endDdl(): Promise<void> {
    for (;;) {
      const item = await this.#item();
      const changes = ddlEnded(item, this.upload.sequencer, this.now());
      if (changes === undefined) return;
      if (await this.documents.update(this.table, this.#key, changes, ddlUnchanged(item))) return;
    }
  }

  /** The upload that waits for the topic's release. */
  async waiting(): Promise<WaitingUpload | undefined> {
    return readWaitingUpload(await this.#item());
  }

  /** The operation that is about to make a schema active; undefined where none is. */
  async activating(): Promise<string | undefined> {
    return activatingOf(await this.#item());
  }

  /**
   * Notes that this upload waits, in the place of an older one: for the topic's release, or for an operation's end. False when there
   * is nothing to wait for any more, or a newer upload has claimed the topic.
   *
   * @param busy whether an operation has the topic that neither holds it yet nor makes a schema active
   */
  async wait(busy: boolean): Promise<boolean> {
    const { sequencer, etag, bytes, versionId, at } = this.upload;
    const item = await this.#item();
    if (item?.['claimed_sequencer'] !== sequencer) return false;
    if (!isHeld(item) && activatingOf(item) === undefined && !busy) return false;
    // A run that comes again keeps the time since which the upload has waited.
    const known = readWaitingUpload(item);
    if (known?.sequencer === sequencer) return true;
    const waiting_upload = waitingUploadItem({
      etag,
      sequencer,
      since: this.now().toISOString(),
      bytes,
      versionId,
      at: at.toISOString(),
    });
    return this.documents.update(
      this.table,
      this.#key,
      { set: { waiting_upload } },
      all(equals('claimed_sequencer', sequencer), unchanged(item, 'status'), unchanged(item, 'activating')),
    );
  }

  /** Notes that this upload does not wait any more: somebody has taken it back. */
  async stopWaiting(): Promise<void> {
    const ours = equals('waiting_upload.sequencer', this.upload.sequencer);
    await this.documents.update(this.table, this.#key, { remove: ['waiting_upload'] }, ours);
  }

  /** True when the activation by this upload or a later one is on record. */
  async isOnRecord(sequencer: string): Promise<boolean> {
    const recorded = (await this.#item())?.['schema_sequencer'];
    return typeof recorded === 'string' && recorded >= sequencer;
  }

  /**
   * Records which schema is active, whatever the status and whoever has the claim. An older fact never replaces a newer one.
   */
  async record(active: ActiveFacts): Promise<void> {
    await this.documents.update(this.table, this.#key, changesTo(recorded(active), active), olderThan(active));
  }

  /**
   * Records which schema is active before its changes are in drift_log. `schema_sequencer` stays, so that the next run still
   * writes those. A schema replaces another only once that one is on record, so the same condition keeps newer facts.
   */
  async enable(active: ActiveFacts): Promise<void> {
    await this.documents.update(this.table, this.#key, changesTo(factsOf(active), active), olderThan(active));
  }

  /** Settles the upload as READY. Returns false, and changes nothing, when a newer upload has claimed the topic. */
  async settleReady(active: ActiveFacts): Promise<boolean> {
    return this.#settle((item) => {
      const { set, remove } = changesTo(recorded({ ...active, sequencer: this.upload.sequencer }), active);
      return {
        set: { ...statusOf(item, 'READY'), ...set },
        remove: [...remove, 'error_code', 'error_message', 'failed_etag'],
      };
    });
  }

  /**
   * Settles the upload as refused. `processing_enabled` and the active version stay, so that a live topic goes on. Returns
   * false, and changes nothing, when a newer upload has claimed the topic.
   */
  async settleError(problems: readonly SchemaProblem[]): Promise<boolean> {
    return this.#settle((item) => this.#errorOf(item, problems));
  }

  /** As `settleError`, but leaves the verdict alone that another run of the same upload came to meanwhile. */
  async settleErrorIfUnsettled(problems: readonly SchemaProblem[]): Promise<boolean> {
    return this.#settle((item) => (this.#isSettledIn(item) ? undefined : this.#errorOf(item, problems)));
  }

  #errorOf(item: Document, problems: readonly SchemaProblem[]): { readonly set: Document } {
    const [first] = problems;
    return {
      set: {
        ...statusOf(item, 'ERROR'),
        ...(item['processing_enabled'] === undefined && { processing_enabled: false }),
        error_code: first?.code ?? 'UNKNOWN',
        error_message: `${first?.message ?? ''}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''}`,
        failed_etag: this.upload.etag,
      },
    };
  }

  #isSettledIn(item: Document | undefined): boolean {
    return item?.['settled_sequencer'] === this.upload.sequencer || recent(item).includes(this.upload.sequencer);
  }

  /** @param changesOf gives undefined to leave the item as it is */
  async #settle(
    changesOf: (item: Document) => { readonly set: Document; readonly remove?: readonly string[] } | undefined,
  ): Promise<boolean> {
    const { sequencer } = this.upload;
    for (;;) {
      const item = await this.#item();
      if (item?.['claimed_sequencer'] !== sequencer) return false;
      const changes = changesOf(item);
      if (changes === undefined) return false;
      const { set, remove = [] } = changes;
      const ended = ddlEnded(item, sequencer, this.now());
      const settled = {
        settled_sequencer: sequencer,
        settled_recently: [...recent(item).filter((one) => one !== sequencer), sequencer].slice(-REMEMBERED),
        updated_at: this.now().toISOString(),
      };
      const done = await this.documents.update(
        this.table,
        this.#key,
        {
          set: { ...set, ...settled, ...ended?.set },
          remove: [...remove, ...(ended?.remove ?? []), ...waitingEndedBy(item, sequencer)],
        },
        // An operator may set a status at any moment, an overtaken run may record an active schema, and another run of this
        // upload may settle it, so the write is conditional on what was read.
        all(
          equals('claimed_sequencer', sequencer),
          ...['status', 'processing_enabled', 'settled_sequencer'].map((name) => unchanged(item, name)),
          ...(ended === undefined ? [] : [ddlUnchanged(item)]),
        ),
      );
      if (done) return true;
    }
  }
}

function recent(item: Document | undefined): string[] {
  const list = item?.['settled_recently'];
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];
}

/** A verdict ends the waiting for a release, of this upload or of an older one. */
function waitingEndedBy(item: Document, sequencer: string): string[] {
  const waiting = readWaitingUpload(item);
  return waiting !== undefined && waiting.sequencer <= sequencer ? ['waiting_upload'] : [];
}

function statusOf(item: Document | undefined, status: 'READY' | 'ERROR'): Document {
  return HELD_STATUSES.has(item?.['status']) ? {} : { status };
}

function factsOf({ tableName, version, etag, key }: ActiveFacts): Document {
  return {
    processing_enabled: true,
    table_name: tableName,
    schema_version: version,
    schema_etag: etag,
    schema_key: key,
  };
}

/** The facts, and the opaque columns with them: in the same write, so that no cycle sees one without the other. */
function changesTo(facts: Document, { opaque }: ActiveFacts): { set: Document; remove: string[] } {
  return opaque === undefined
    ? { set: facts, remove: ['opaque_columns'] }
    : { set: { ...facts, opaque_columns: opaque }, remove: [] };
}

/** The facts of a schema whose changes are in drift_log. */
function recorded(active: ActiveFacts): Document {
  return { ...factsOf(active), schema_sequencer: active.sequencer };
}

function olderThan({ sequencer }: ActiveFacts): Condition {
  return any(absent('schema_sequencer'), below('schema_sequencer', sequencer));
}
