import {
  encodeMetadata,
  mapLimit,
  TRIES_ENDED,
  UPLOAD_METADATA,
  type SchemaProblem,
  type TopicName,
} from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import { previewMerge, type MergePreview } from '../schemas/merge-preview';
import type { Deployment } from '../pipeline/deployment';
import { locateProblems, type Position } from '../schemas/locate-problems';
import { CliError } from '../errors';
import { uploadSchema, type UploadOutcome } from './upload-schema';
import { compareTables } from './compare-tables';
import { opaqueNote } from './opaque-note';
import { OUTCOMES, type FileResult } from './file-result';
import { decideUpload, type UploadState } from './decide-upload';
import { readErrorReport } from './error-report';

/** A schema file that may be uploaded. */
export interface Candidate {
  readonly file: string;
  readonly topic: TopicName;
  readonly text: string;
  readonly locate: (pointer: string) => Position;
  /** Why it may break the active schema, where the file does not say so, and how many rows that may cost. */
  readonly breaking?: { readonly reason: string; readonly maxRejected: string | undefined };
}

export interface UploadFilesOptions {
  readonly stateOf: (topic: TopicName) => Promise<UploadState>;
  /** Upload every file, also one that is active or was refused. */
  readonly force: boolean;
  /** Upload again what was refused before. */
  readonly retryRefused: boolean;
  /** Refuse here, without an upload, what schema-validator would refuse. */
  readonly refuseForeseen: boolean;
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  /** Number of uploads at a time. */
  readonly concurrency: number;
  /** Called with each file's result as soon as it is known. */
  readonly onResult: (result: FileResult) => void;
  /** Called when an upload has asked for a rebuild, as it breaks the active schema. */
  readonly onRebuild?: (topic: TopicName, operationId: string) => void;
}

const NO_RESULT = {
  uploaded: false,
  version: null,
  changes: null,
  mends: false,
  seconds: null,
  note: null,
  problems: [],
} as const;
const REFUSED_BEFORE = 'not uploaded: the same text was refused before (--force uploads it again)';
const GONE =
  'the upload is gone from pending/ without a verdict: a newer upload replaced it, or somebody removed it; run this again';
const NOT_COMPARED = 'whether its tables are as it says is not known';
const TABLES_DIFFER = 'not uploaded: the schema is active, and its table is not what it says';
const NOT_UPLOADED = 'not uploaded: schema-validator would refuse it';

/** Uploads the files that need it, and waits for the verdict on each. A failure of one file stops no other. */
export async function uploadFiles(
  candidates: readonly Candidate[],
  deployment: Deployment,
  cloud: Cloud,
  options: UploadFilesOptions,
): Promise<FileResult[]> {
  return mapLimit(candidates, options.concurrency, async (candidate) => {
    const result = await uploadOne(candidate, deployment, cloud, options);
    options.onResult(result);
    return result;
  });
}

async function uploadOne(
  candidate: Candidate,
  deployment: Deployment,
  cloud: Cloud,
  options: UploadFilesOptions,
): Promise<FileResult> {
  const { topic, text } = candidate;
  const blank = { ...NO_RESULT, file: candidate.file, topic };
  try {
    const state = await options.stateOf(topic);
    const preview = previewMerge(state.active, text, topic, deployment.lake, candidate.breaking?.reason);
    const base = { ...blank, ...previewFields(preview) };
    const decision = options.force ? 'PUSH' : decideUpload(text, state);
    let behind: string | null = null;
    if (decision === 'ACTIVE' && 'schema' in preview) {
      const tables = await compareTables(topic, preview.schema, deployment.lake, cloud);
      if (tables.state === 'UNKNOWN') {
        return { ...base, outcome: OUTCOMES.active, note: `${NOT_COMPARED}: ${tables.why}` };
      }
      if (tables.state === 'FIT') return { ...base, outcome: OUTCOMES.active };
      if (tables.state === 'CONFLICT') {
        const problems = locateIn(candidate, tables.problems);
        return { ...base, outcome: OUTCOMES.refused, note: TABLES_DIFFER, problems };
      }
      behind = `${tables.lacks}: the active schema is uploaded again, which mends that`;
    }
    if (decision === 'REFUSED_BEFORE' && !options.retryRefused) {
      const read = await readErrorReport(cloud.objects, deployment.schemaBucket, topic);
      const problems = read.ok ? read.report.problems : [];
      // Nothing is known against a text whose tries ended: what stood in its way may have been mended since.
      if (!problems.some(({ code }) => code === TRIES_ENDED)) {
        return { ...base, outcome: OUTCOMES.refused, note: REFUSED_BEFORE, problems: locateIn(candidate, problems) };
      }
    }
    const foreseen = options.refuseForeseen && 'problems' in preview ? preview.problems : [];
    if (foreseen.length > 0) {
      return { ...base, outcome: OUTCOMES.refused, note: NOT_UPLOADED, problems: locateIn(candidate, foreseen) };
    }
    const mends = behind !== null;
    if (options.dryRun) return { ...base, outcome: OUTCOMES.planned, mends, note: behind };
    const outcome = await uploadSchema(topic, text, deployment, cloud, options.timeoutMs, {
      ...(candidate.breaking && { metadata: metadataOf(candidate.breaking) }),
      onRebuild: (operationId) => options.onRebuild?.(topic, operationId),
    });
    const fields = outcomeFields(outcome, candidate, deployment);
    const opaque = fields.outcome === OUTCOMES.ready ? await opaqueNote(topic, preview, deployment.lake, cloud) : [];
    const notes = [behind, fields.note, ...opaque].filter((note) => note !== null);
    return { ...base, uploaded: true, mends, ...fields, note: notes.length === 0 ? null : notes.join('; ') };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { ...blank, outcome: OUTCOMES.failed, note: error.message };
  }
}

function metadataOf({ reason, maxRejected }: NonNullable<Candidate['breaking']>): Readonly<Record<string, string>> {
  return {
    [UPLOAD_METADATA.breakingReason]: encodeMetadata(reason),
    ...(maxRejected !== undefined && { [UPLOAD_METADATA.maxRejected]: maxRejected }),
  };
}

function locateIn({ file, locate }: Candidate, problems: readonly SchemaProblem[]) {
  return locateProblems(file, problems, locate);
}

function previewFields(preview: MergePreview): Pick<FileResult, 'version' | 'changes'> {
  return {
    version: 'schema' in preview ? preview.schema.version : null,
    changes: 'changes' in preview ? preview.changes.length : null,
  };
}

function outcomeFields(
  outcome: UploadOutcome,
  candidate: Candidate,
  deployment: Deployment,
): Pick<FileResult, 'outcome' | 'seconds' | 'note' | 'problems'> {
  const { seconds } = outcome;
  const ended = { seconds, note: null, problems: [] };
  switch (outcome.verdict) {
    case 'READY': {
      const { operatorStatus: status } = outcome;
      const notes = [
        ...(status === undefined ? [] : [`the topic stays in ${status}, which an operator set`]),
        ...mendedNote(candidate.topic, outcome),
      ];
      return { ...ended, outcome: OUTCOMES.ready, note: notes.length === 0 ? null : notes.join('; ') };
    }
    case 'REFUSED':
      return { ...ended, outcome: OUTCOMES.refused, problems: locateIn(candidate, outcome.problems) };
    case 'SUPERSEDED':
      return {
        ...ended,
        outcome: OUTCOMES.superseded,
        note: 'this text is not active: lean-ops schema status shows which one is',
      };
    case 'PENDING_MAINTENANCE': {
      const by = outcome.heldBy === undefined ? '' : ` by ${outcome.heldBy}`;
      const note = `${candidate.topic} is held${by}: the upload waits and is decided on when the topic is released (lean-ops topic status ${candidate.topic})`;
      return { ...ended, outcome: OUTCOMES.pendingMaintenance, note };
    }
    case 'PENDING_REBUILD': {
      const { operation, failed } = outcome;
      if (failed !== undefined) {
        const next = `lean-ops op resume ${operation} goes on with it, lean-ops op cancel ${operation} refuses the upload`;
        const why = `its rebuild failed, and the version before stays active: ${failed}; ${next}`;
        return { ...ended, outcome: OUTCOMES.pendingRebuild, note: why };
      }
      const note = `it breaks the active schema, and ${operation} rebuilds Curated under it: lean-ops op show ${operation}`;
      return { ...ended, outcome: OUTCOMES.pendingRebuild, note };
    }
    case 'GONE':
      return { ...ended, outcome: OUTCOMES.noVerdict, note: GONE };
    case 'TIMEOUT':
      return { ...ended, outcome: OUTCOMES.noVerdict, note: whereToLook(outcome.begun, deployment) };
  }
}

/** What the version that is active now mends of the errors on record, and how to bring that in. */
function mendedNote(topic: string, { version, mended }: Extract<UploadOutcome, { verdict: 'READY' }>): string[] {
  if (mended === undefined || mended.errors === 0) return [];
  const { errors, fingerprints, replay } = mended;
  const what =
    `${errors} open ${errors === 1 ? 'error' : 'errors'} of ${fingerprints} ` +
    `${fingerprints === 1 ? 'fingerprint' : 'fingerprints'} ${errors === 1 ? 'is' : 'are'} valid under version ${version ?? '?'}`;
  const how =
    replay === undefined
      ? `lean-ops errors replay --topic ${topic} --apply --reason TEXT`
      : `${errors === 1 ? 'it is' : 'they are'} being replayed, lean-ops op show ${replay}`;
  return [`${what}: ${how}`];
}

/** A sentence on where to look for an upload without a verdict. It stays in pending/, so waiting loses nothing. */
function whereToLook(begun: boolean, { registryTable }: Deployment): string {
  // All names of one pipeline begin with the same prefix.
  const prefix = /^(.*)-schema-registry$/.exec(registryTable)?.[1] ?? '{name_prefix}';
  return begun
    ? `schema-validator has begun but not finished: look again with lean-ops schema status, or see the log group /aws/lambda/${prefix}-schema-validator`
    : `schema-validator has not begun: see the log group /aws/lambda/${prefix}-schema-validator and docs/runbooks/failed-schema-uploads.md`;
}
