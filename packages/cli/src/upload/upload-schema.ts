import { getOperation, type Clock } from '@lean-ops/common/aws';
import { bareEtag, schemaKeys, type Document, type SchemaProblem, type TopicName } from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { readErrorReport } from './error-report';
import { verdictOn, type Verdict } from './upload-verdict';

export const DEFAULT_TIMEOUT_MS = 120_000;

/** The end of one upload. `seconds` passed from the upload to the verdict. */
export type UploadOutcome = { readonly seconds: number } & (
  | (Extract<Verdict, { verdict: 'READY' }> & { readonly mended: MendedErrors | undefined })
  | Extract<Verdict, { verdict: 'SUPERSEDED' | 'GONE' | 'PENDING_MAINTENANCE' | 'PENDING_REBUILD' }>
  | { readonly verdict: 'REFUSED'; readonly problems: readonly SchemaProblem[] }
  /** No verdict came in time. `begun` is true when schema-validator took the upload up. */
  | { readonly verdict: 'TIMEOUT'; readonly begun: boolean }
);

/** The open errors that are valid under the version that has become active, as schema-validator has counted them. */
export interface MendedErrors {
  readonly errors: number;
  readonly fingerprints: number;
  /** The operation that replays them, where the schema asks for it and it has begun. */
  readonly replay: string | undefined;
}

/** What comes with an upload beside its text. */
export interface UploadHooks {
  /** Metadata of the object: why it may break the active schema, and how many rows that may cost. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Takes the id of the operation that the upload asked for, as it breaks the active schema. */
  readonly onRebuild?: (operationId: string) => void;
}

const FIRST_POLL_MS = 250;
const LONGEST_POLL_MS = 2_000;
const POLL_GROWTH = 1.3;
/** How long schema-validator may take to count the errors that a version mends. */
const COUNT_MS = 15_000;

/**
 * Uploads a topic's schema to `pending/` and waits for the verdict on this very upload. It is safe to run again, also after
 * a run that died: schema-validator handles the same text again and comes to the same verdict.
 *
 * @throws whatever a service threw
 */
export async function uploadSchema(
  topic: TopicName,
  text: string,
  { schemaBucket: bucket, registryTable, operationsTable }: Deployment,
  { objects, documents, clock }: Pick<Cloud, 'objects' | 'documents' | 'clock'>,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
  { metadata, onRebuild }: UploadHooks = {},
): Promise<UploadOutcome> {
  const key = schemaKeys.pending(topic);
  const item = (): Promise<Document | undefined> => documents.get(registryTable, { topic_name: topic });
  const before = await item();
  const started = clock.now();
  const put = await objects.put(bucket, key, text, metadata === undefined ? {} : { metadata });
  let shown: string | undefined;
  const etag = bareEtag(put.etag ?? '');
  const look = async (): Promise<Verdict> => {
    // pending/ is read first: an upload that is gone from there was settled in the registry before.
    const pending = await objects.head(bucket, key);
    const verdict = verdictOn(etag, before, await item(), pending && bareEtag(pending.etag));
    if (verdict.verdict === 'PENDING_REBUILD' && verdict.operation !== shown) {
      shown = verdict.operation;
      onRebuild?.(shown);
    }
    if (verdict.verdict !== 'PENDING_REBUILD') return verdict;
    const failed = await failureOf(verdict.operation);
    return failed === undefined ? verdict : { ...verdict, failed };
  };
  const verdict = await waitFor(look, started + timeoutMs, clock);
  const seconds = (clock.now() - started) / 1_000;
  switch (verdict.verdict) {
    case 'WAITING':
      return { verdict: 'TIMEOUT', begun: verdict.begun, seconds };
    case 'REFUSED':
      return { verdict: 'REFUSED', problems: await problemsOf(verdict, etag), seconds };
    case 'READY':
      return { ...verdict, mended: await mendedBy(verdict.version), seconds };
    case 'SUPERSEDED':
    case 'GONE':
    case 'PENDING_MAINTENANCE':
    case 'PENDING_REBUILD':
      return { ...verdict, seconds };
  }

  /**
   * What the new version mends. schema-validator counts it once the upload has its verdict. undefined where no version was active
   * before, and where no count has come in time, which harms nothing.
   */
  async function mendedBy(version: number | undefined): Promise<MendedErrors | undefined> {
    if (typeof before?.['schema_version'] !== 'number' || before['schema_version'] === version) return undefined;
    const deadline = clock.now() + COUNT_MS;
    for (;;) {
      const now = await item();
      if (now?.['mended_at_version'] === version) return readMended(now);
      if (now?.['schema_version'] !== version || clock.now() >= deadline) return undefined;
      await clock.sleep(LONGEST_POLL_MS);
    }
  }

  /** Why the rebuild failed; undefined where it did not, and for whoever may push schemas and not see operations. */
  async function failureOf(operationId: string): Promise<string | undefined> {
    if (operationsTable === undefined) return undefined;
    try {
      const tables = { operations: operationsTable, registry: registryTable };
      const operation = await getOperation(documents, tables, operationId);
      return operation?.state === 'FAILED' ? (operation.error ?? 'no cause was given') : undefined;
    } catch {
      return undefined;
    }
  }

  async function problemsOf(
    { code, message }: Extract<Verdict, { verdict: 'REFUSED' }>,
    etagOfUpload: string,
  ): Promise<readonly SchemaProblem[]> {
    const read = await readErrorReport(objects, bucket, topic);
    if (read.ok && read.report.etag === etagOfUpload) return read.report.problems;
    const reason = read.ok ? 'it is about another upload' : read.reason;
    const hint = `upload it again: s3://${bucket}/${schemaKeys.error(topic)} should list all problems, but ${reason}`;
    return [{ code: code ?? 'UNKNOWN', path: '', message: message ?? 'the registry does not say why', hint }];
  }
}

function readMended(item: Document | undefined): MendedErrors {
  const count = (name: string): number => (typeof item?.[name] === 'number' ? item[name] : 0);
  const replay = item?.['mended_by'];
  return {
    errors: count('mended_errors'),
    fingerprints: count('mended_fingerprints'),
    replay: typeof replay === 'string' ? replay : undefined,
  };
}

async function waitFor(look: () => Promise<Verdict>, deadline: number, clock: Clock): Promise<Verdict> {
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * POLL_GROWTH, LONGEST_POLL_MS)) {
    await clock.sleep(wait);
    const verdict = await look();
    // A rebuild ends by itself, and takes its time. One that failed waits for somebody.
    const builds = verdict.verdict === 'PENDING_REBUILD' && verdict.failed === undefined;
    const goesOn = verdict.verdict === 'WAITING' || builds;
    if (!goesOn || clock.now() >= deadline) return verdict;
  }
}
