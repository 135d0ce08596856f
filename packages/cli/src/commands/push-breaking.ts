/** What `schema push --breaking` does before it uploads: it asks for a reason, and shows what the rebuild would do to the rows. */
import { checkSchema, encodeMetadata } from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { planGithub, planText } from '../format/plan';
import { planMerge } from '../plan/merge-plan';
import { boundOfRebuild } from '../plan/rejection-limit';
import { CliError } from '../errors';
import type { Terminal } from '../terminal';
import type { Candidate } from '../upload/upload-files';
import { OUTCOMES, type FileResult } from '../upload/file-result';
import { DEFAULT_TIMEOUT_MS } from '../upload/upload-schema';
import { checkedReason } from './reason';
import { reportOf } from './schema-plan';
import type { PushOptions } from './schema-push';

/** Messages that are named for each broken rule. */
const SAMPLES = 5;
/** S3 takes 2 KB of metadata with an object, names included, and the bound on rejected rows has a part of it. */
const MAX_METADATA_BYTES = 1_800;
/** Seconds that a rebuild is waited for, unless --timeout says otherwise. */
export const REBUILD_TIMEOUT_SECONDS = 7_200;
export const DEFAULT_TIMEOUT_SECONDS = DEFAULT_TIMEOUT_MS / 1_000;

type BreakingOptions = Pick<PushOptions, 'breaking' | 'reason' | 'maxRejected' | 'timeout' | 'format'>;

/**
 * The reason of --reason; undefined without --breaking.
 *
 * @throws CliError for options that do not go together
 */
export function breakingReasonOf({ breaking, reason }: BreakingOptions, files: number): string | undefined {
  if (!breaking) {
    if (reason !== undefined) throw new CliError('--reason goes with --breaking.');
    return undefined;
  }
  if (files !== 1) throw new CliError(`--breaking is for a single file, but there are ${files}.`);
  const text = checkedReason(reason, '--breaking needs --reason TEXT, which stays on record with the rebuild.');
  const bytes = encodeMetadata(text).length;
  if (bytes > MAX_METADATA_BYTES) {
    throw new CliError(
      `--reason takes ${bytes} bytes as metadata of the upload, and S3 takes ${MAX_METADATA_BYTES}: say it shorter, or in the file by x-breaking-reason.`,
    );
  }
  return text;
}

/** Seconds to wait: a rebuild takes longer than a verdict. */
export function timeoutOf({ breaking, timeout }: Pick<BreakingOptions, 'breaking' | 'timeout'>): number {
  return timeout ?? (breaking ? REBUILD_TIMEOUT_SECONDS : DEFAULT_TIMEOUT_SECONDS);
}

/** What becomes of a breaking file after its plan: it is not uploaded, or uploaded with a bound on the messages that its rebuild rejects. */
export type BreakingPlan =
  { readonly blocked: FileResult } | { readonly blocked: undefined; readonly maxRejected: string | undefined };

/**
 * Shows what the upload would do to all rows. It is blocked where schema-validator would refuse it, or it would newly reject more rows
 * than --max-rejected allows.
 */
export async function showBreakingPlan(
  { file, topic, text, locate }: Candidate,
  reason: string,
  { maxRejected, format }: BreakingOptions,
  deployment: Deployment,
  cloud: Cloud,
  terminal: Terminal,
): Promise<BreakingPlan> {
  const check = checkSchema(text, { topic });
  if (!check.ok) throw new CliError(`${file}: ${check.problems[0]?.message ?? 'it is no schema'}.`);
  const plan = await planMerge(
    { topic, text, document: check.document, schema: check.schema },
    deployment,
    cloud,
    { since: undefined, samples: SAMPLES },
    reason,
  );
  const { version } = check.schema;
  const report = reportOf(plan, { topic, file, version, since: undefined }, { maxRejected }, locate);
  // Programs get the result of the file as their one document.
  if (format === 'json') terminal.writeError(planText(report, { sql: false }));
  else if (format === 'github') terminal.write(planGithub(report, { sql: false }));
  else terminal.write(`${planText(report, { sql: false })}\n`);
  const { data } = report;
  if (report.blocked_by.length === 0) {
    return {
      blocked: undefined,
      maxRejected: boundOfRebuild(maxRejected, data.rejected - data.new.rejected, data.rows),
    };
  }
  const blocked: FileResult = {
    file,
    topic,
    outcome: OUTCOMES.refused,
    uploaded: false,
    version,
    changes: report.changes.length,
    mends: false,
    seconds: null,
    note: `not uploaded: the plan is blocked by ${report.blocked_by.join(' and ')}`,
    problems: report.problems,
  };
  return { blocked };
}
