import { isPreconditionFailed, type ObjectHead, type StoredObject } from '@lean-ops/common/aws';
import {
  checkSchema,
  decodeMetadata,
  isRejectionBound,
  MAX_SCHEMA_BYTES,
  shown,
  tooLarge,
  UPLOAD_METADATA,
  type Operation,
  type SchemaProblem,
  type WaitingUpload,
} from '@lean-ops/common/core';
import { activate, enable, factsOf, putOnRecord, readActive, type ActiveSchema } from './activation';
import { archiveText } from './schema-archive';
import type { Collaborators, Resources } from './collaborators';
import { clearReport, problemsReported, reportBefore, reportFailure } from './failure-report';
import { checkCandidate } from './check-candidate';
import { SchemaRefusedError } from './errors';
import { clearPending, isOf } from './pending-upload';
import { UploadRegistry } from './upload-registry';
import { rebuildOf, requestRebuild, type BreakingCandidate } from './rebuild-request';
import { makeTopicTables, refuseTakenNames, refuseUnwritten, renameColumns } from './topic-tables';
import type { Upload } from './upload';

export type Outcome =
  | { readonly outcome: 'READY'; readonly version: number; readonly changes: number }
  | { readonly outcome: 'REFUSED'; readonly problems: readonly SchemaProblem[] }
  /** All tries failed, and the verdict says so. */
  | { readonly outcome: 'ENDED'; readonly problems: readonly SchemaProblem[] }
  /** The topic is held. The upload stays under `pending/` and is decided on when the topic is released. */
  | { readonly outcome: 'PENDING_MAINTENANCE' }
  /** It breaks the active schema, and the operation that it asked for rebuilds Curated under it. That makes it active. */
  | { readonly outcome: 'PENDING_REBUILD'; readonly operation: string }
  /** The event was delivered a second time. */
  | { readonly outcome: 'DUPLICATE' }
  /** A newer upload exists, and its own event handles it. `archived` is the key under which this upload's text is kept. */
  | { readonly outcome: 'STALE'; readonly archived?: string }
  /** A newer upload came while this one was handled. */
  | { readonly outcome: 'SUPERSEDED'; readonly archived?: string }
  /** Nothing lies under `pending/` any more. */
  | { readonly outcome: 'GONE' };

/** An upload's object under `pending/`. It has no body when it is too large to be read. */
type Pending = (StoredObject | ObjectHead) & Pick<Partial<StoredObject>, 'body' | 'metadata'>;

/** How often a run starts anew because another run of the topic was faster. After that, Lambda's later retry does better. */
const MAX_RACES = 5;

/**
 * Takes a topic's pending schema through the steps of docs/topic-schema.md. Each step is safe to repeat and safe beside any
 * number of other runs, and `pending/` is cleared last. So a run that died anywhere is simply run again, by Lambda's
 * asynchronous retries, and ends where an undisturbed run would have ended. See docs/decisions/0010.
 *
 * @throws whatever a service threw that a later try may mend; then nothing is settled
 */
export function processUpload(upload: Upload, resources: Resources, deps: Collaborators): Promise<Outcome> {
  return runUpload(upload, resources, deps, undefined);
}

/**
 * Gives an upload whose tries have ended its verdict, unless a run came to one or a newer upload overtook it. To that end it calls
 * S3 and DynamoDB only: what Athena still fails at must not keep the verdict back. Athena is called where the upload is in force
 * without a verdict that asks for another one, as nobody else would put its changes on record. As safe to repeat as
 * `processUpload` is, also beside runs of it. See docs/decisions/0020.
 *
 * @param problem the verdict, where no run has reported one
 * @throws whatever a service threw that a later try may mend; where that is Athena, no verdict is due
 */
export function endUpload(
  upload: Upload,
  problem: SchemaProblem,
  resources: Resources,
  deps: Collaborators,
): Promise<Outcome> {
  return runUpload(upload, resources, deps, problem);
}

async function runUpload(
  upload: Upload,
  resources: Resources,
  deps: Collaborators,
  ending: SchemaProblem | undefined,
): Promise<Outcome> {
  const registry = new UploadRegistry(
    deps.documents,
    resources.registryTable,
    upload,
    () => new Date(deps.clock.now()),
  );
  for (let races = 0; ; races += 1) {
    try {
      return await new Run(upload, resources, deps, registry, ending).complete();
    } catch (error) {
      if (!isPreconditionFailed(error) || races >= MAX_RACES) throw error;
    }
  }
}

class Run {
  constructor(
    private readonly upload: Upload,
    private readonly resources: Resources,
    private readonly deps: Collaborators,
    private readonly registry: UploadRegistry,
    /** The verdict to give instead of one that Athena has a part in; undefined in a run that handles the upload. */
    private readonly ending: SchemaProblem | undefined,
  ) {}

  async complete(): Promise<Outcome> {
    const { bucket, key, bytes } = this.upload;
    // A file that will be refused for its size is not read.
    const found: Pending | undefined =
      bytes > MAX_SCHEMA_BYTES ? await this.deps.objects.head(bucket, key) : await this.deps.objects.get(bucket, key);
    if (found && !isOf(this.upload, found)) {
      if (!(await this.registry.wasSettled())) return this.#overtaken('STALE');
      // The newer upload may have compared itself with what was active before.
      await this.#finishActivation(await readActive(this.upload, this.deps));
      return { outcome: 'DUPLICATE' };
    }
    const claim = await this.registry.claim();
    if (claim === 'STALE') return this.#overtaken('STALE', found?.body);
    if (claim === 'SETTLED') {
      await this.#finishActivation(await readActive(this.upload, this.deps));
      if (await this.registry.isReady()) await this.#clearOlderReports();
      if (found) await clearPending(this.upload, this.deps);
      // The message may come again for what was still to do after the verdict.
      if (this.ending !== undefined && (await this.registry.hasEnded()))
        return { outcome: 'ENDED', problems: [this.ending] };
      return { outcome: 'DUPLICATE' };
    }
    const before = await this.registry.waiting();
    if (before !== undefined && before.sequencer < this.upload.sequencer) await this.#endWaitingOf(before);
    if (found) return this.#handle(found);
    await this.registry.stopWaiting();
    return { outcome: 'GONE' };
  }

  async #handle(pending: Pending): Promise<Outcome> {
    if (this.ending !== undefined) {
      const rebuild = rebuildOf(this.upload);
      // The operation has the topic, and gives the verdict. Each cycle that is planned delivers the upload again, which starts it.
      if ((await this.registry.activating()) === rebuild) return { outcome: 'PENDING_REBUILD', operation: rebuild };
      return this.#giveUp(pending, this.ending);
    }
    try {
      return await this.#accept(pending);
    } catch (error) {
      if (!(error instanceof SchemaRefusedError)) throw error;
      return this.#refuse(pending, error.problems);
    }
  }

  async #accept(pending: Pending): Promise<Outcome> {
    const { upload, resources, deps, registry } = this;
    const { body } = pending;
    const active = await readActive(upload, deps);
    if (active) await putOnRecord(upload, resources, deps, registry, active);
    if (body === undefined) throw new SchemaRefusedError([tooLarge(upload.bytes)]);
    const activating = await registry.activating();
    // It is compared with the schema that the operation makes active.
    if (activating !== undefined && activating !== rebuildOf(upload)) return this.#await(pending);
    const verdict = checkCandidate(upload.topic, body, active?.body, breakingReasonOf(pending));
    if (!verdict.ok) throw new SchemaRefusedError(verdict.problems);
    const { schema, text, changes } = verdict;
    if (verdict.active !== undefined && verdict.rebuild !== undefined) {
      const maxRejected = pending.metadata?.[UPLOAD_METADATA.maxRejected];
      if (maxRejected !== undefined && !isRejectionBound(maxRejected)) {
        throw new SchemaRefusedError([invalidBound(maxRejected)]);
      }
      if (activating === undefined) await refuseUnwritten(upload.topic, resources, deps);
      return this.#rebuild(pending, {
        body: text,
        schema,
        active: verdict.active,
        accepted: verdict.rebuild,
        maxRejected,
      });
    }
    if (verdict.active !== undefined) {
      await refuseTakenNames(upload.topic, verdict.active, schema, resources, deps);
    }
    const ddl = await registry.beginDdl();
    if (ddl === 'OVERTAKEN') return this.#overtaken('SUPERSEDED', body);
    if (ddl === 'WAIT') return this.#await(pending);
    await makeTopicTables(upload.topic, schema, resources, deps);
    if (!(await registry.isStillOurs())) return this.#overtaken('SUPERSEDED', body);
    const before = active && verdict.active && { file: active, schema: verdict.active };
    const now = await activate(upload, deps, text, before, { source: body });
    await renameColumns(upload.topic, schema, resources, deps);
    await putOnRecord(upload, resources, deps, registry, now);
    if (!(await registry.settleReady(factsOf(upload.topic, upload.etag, upload, schema))))
      return this.#overtaken('SUPERSEDED', body);
    await this.#clearOlderReports();
    await clearPending(this.upload, this.deps);
    return { outcome: 'READY', version: schema.version, changes: changes.length };
  }

  /**
   * Ends the older upload that waited for the topic's release: this one has taken its place under `pending/`. Its text is archived
   * as that of any other that was overtaken.
   */
  async #endWaitingOf(before: WaitingUpload): Promise<void> {
    const { topic, bucket, key } = this.upload;
    const { etag, sequencer, bytes, versionId, at } = before;
    const version = versionId === undefined ? {} : { versionId };
    const older: Upload = { topic, bucket, key, etag, bytes, sequencer, at: new Date(at), ...version };
    await processUpload(older, this.resources, this.deps);
  }

  /**
   * Leaves the upload where it is until the topic is released, or the operation that has it ends. Its event is then delivered
   * again, by operation-steps or by the next cycle.
   *
   * @param busy whether it waits for an operation that may not hold the topic yet
   */
  async #await(pending: Pending, busy = false): Promise<Outcome> {
    if (await this.registry.wait(busy)) return { outcome: 'PENDING_MAINTENANCE' };
    if (!(await this.registry.isStillOurs())) return this.#overtaken('SUPERSEDED', pending.body);
    // The topic was released or held since the run looked at it.
    return this.#accept(pending);
  }

  /** Asks for the rebuild that a breaking schema needs, and leaves the upload where it is until that has made it active. */
  async #rebuild(pending: Pending, candidate: BreakingCandidate): Promise<Outcome> {
    const { upload, resources, deps } = this;
    const request = await requestRebuild(upload, candidate, resources, deps);
    switch (request.kind) {
      case 'REQUESTED':
        return { outcome: 'PENDING_REBUILD', operation: request.operationId };
      case 'BUSY':
        return this.#await(pending, true);
      case 'OVERTAKEN':
        return this.#overtaken('SUPERSEDED', candidate.body);
      case 'ENDED':
        throw new SchemaRefusedError([rebuildEnded(request.operation)]);
    }
  }

  async #refuse(pending: Pending, problems: readonly SchemaProblem[]): Promise<Outcome> {
    const { upload, deps, registry } = this;
    const before = await reportBefore(upload, deps);
    if (!(await registry.isStillOurs())) return this.#overtaken('SUPERSEDED', pending.body);
    await reportFailure(upload, deps, pending, problems, before);
    if (!(await registry.settleError(problems))) return this.#overtaken('SUPERSEDED', pending.body);
    await clearPending(this.upload, this.deps);
    return { outcome: 'REFUSED', problems };
  }

  /** Gives the verdict of a run that reported its refusal and did not live to settle it, else the one about the tries. */
  async #giveUp(pending: Pending, ending: SchemaProblem): Promise<Outcome> {
    const { upload, deps, registry } = this;
    const before = await reportBefore(upload, deps);
    const active = await readActive(upload, deps);
    if (active) await enable(upload, registry, active);
    const inForce = active?.origin?.sequencer === upload.sequencer;
    const own = inForce ? { ...ending, message: `${ending.message}; the schema is in force all the same` } : ending;
    const problems = (await problemsReported(upload, deps)) ?? [own];
    const outcome = problems.some(({ code }) => code === ending.code) ? 'ENDED' : 'REFUSED';
    if (!(await registry.isStillOurs())) return this.#overtaken('SUPERSEDED', pending.body);
    await reportFailure(upload, deps, pending, problems, before);
    if (await registry.settleErrorIfUnsettled(problems)) {
      await clearPending(this.upload, this.deps);
      return { outcome, problems };
    }
    if (!(await registry.wasSettled())) return this.#overtaken('SUPERSEDED', pending.body);
    // Another run of this upload came to a verdict meanwhile. Its report stays; that of this run must not stand beside READY.
    if (await registry.isReady()) await this.#clearOlderReports();
    else if (!(await registry.isStillOurs())) await clearReport(upload, deps, (one) => one === upload.sequencer);
    await clearPending(this.upload, this.deps);
    return { outcome: 'DUPLICATE' };
  }

  /**
   * Ends the run of an upload that a newer one overtook. What this run has done is finished where other runs build on it,
   * and taken back where it would mislead. A text that could have become active is archived.
   *
   * @param text the upload's text, when this run has read it
   */
  async #overtaken(outcome: 'STALE' | 'SUPERSEDED', text?: string): Promise<Outcome> {
    const { upload, deps } = this;
    await this.registry.endDdl();
    await clearReport(upload, deps, (sequencer) => sequencer === upload.sequencer);
    const active = await readActive(upload, deps);
    if (await this.#finishActivation(active)) return { outcome };
    const body = text ?? (await this.#versionOfUpload());
    const check = body === undefined ? undefined : checkSchema(body, { topic: upload.topic });
    if (body === undefined || !check?.ok || active?.body === check.text) return { outcome };
    const { topic, bucket, at } = upload;
    return {
      outcome,
      archived: await archiveText(deps.objects, bucket, { topic, version: check.schema.version, at, body }),
    };
  }

  /**
   * Finishes what a run of this upload may have left that activated it and died, when another run has settled it since or a
   * newer upload came. Returns whether this upload is active.
   */
  async #finishActivation(active: ActiveSchema | undefined): Promise<boolean> {
    const { upload, resources, deps, registry } = this;
    if (active?.origin?.sequencer !== upload.sequencer) return false;
    if (this.ending !== undefined) {
      await enable(upload, registry, active);
      // The verdict has the author upload it again, and each run that claims the topic from here on finds this upload active,
      // and puts it on record. A newer upload that has the claim already may have looked before.
      if (await registry.hasEnded()) return true;
    }
    await putOnRecord(upload, resources, deps, registry, active);
    return true;
  }

  async #versionOfUpload(): Promise<string | undefined> {
    const { bucket, key, versionId, bytes } = this.upload;
    if (versionId === undefined || bytes > MAX_SCHEMA_BYTES) return undefined;
    return (await this.deps.objects.get(bucket, key, { versionId }))?.body;
  }

  /** Called after the verdict: until then an overtaken run may still report, and afterwards it sees the verdict itself. */
  #clearOlderReports(): Promise<void> {
    return clearReport(this.upload, this.deps, (sequencer) => sequencer <= this.upload.sequencer);
  }
}

/** Why an upload may break the active schema, where it came with the upload and does not stand in the file. */
function breakingReasonOf({ metadata }: Pending): string | undefined {
  const reason = metadata?.[UPLOAD_METADATA.breakingReason];
  return reason === undefined || reason === '' ? undefined : decodeMetadata(reason);
}

function invalidBound(text: string): SchemaProblem {
  return {
    code: 'INVALID_MAX_REJECTED',
    path: '',
    message: `the metadata ${UPLOAD_METADATA.maxRejected} of the upload is ${shown(text)}, which bounds nothing`,
    hint: 'write a number of messages (12) or a share of them (0.5%), as lean-ops schema push --max-rejected does',
  };
}

function rebuildEnded({ operationId, state, error }: Operation): SchemaProblem {
  return {
    code: 'REBUILD_ENDED',
    path: '',
    message: `the rebuild ${operationId} that this version needs is ${state}${error === undefined ? '' : `: ${error}`}`,
    hint: 'the active schema and its table are as before; push the schema again to have it rebuilt anew',
  };
}
