/** What `schema push --breaking` does before it uploads: it asks for a reason, and shows what the rebuild would do to the rows. */
import { checkSchema } from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { planText } from '../format/plan';
import { planMerge } from '../plan/merge-plan';
import { CliError } from '../errors';
import type { Terminal } from '../terminal';
import type { Candidate } from '../upload/upload-files';
import { DEFAULT_TIMEOUT_MS } from '../upload/upload-schema';
import { reportOf } from './schema-plan';
import type { PushOptions } from './schema-push';

/** Messages that are named for each broken rule. */
const SAMPLES = 5;
/** Seconds that a rebuild is waited for, unless --timeout says otherwise. */
const REBUILD_TIMEOUT_SECONDS = 7_200;
const DEFAULT_TIMEOUT_SECONDS = DEFAULT_TIMEOUT_MS / 1_000;

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
  if (reason === undefined || reason.trim() === '') {
    throw new CliError('--breaking needs --reason TEXT, which stays on record with the rebuild.');
  }
  if (reason.trim().length > 500) throw new CliError('--reason has more than 500 characters.');
  return reason.trim();
}

/** Seconds to wait: a rebuild takes longer than a verdict. */
export function timeoutOf({ breaking, timeout }: BreakingOptions): number {
  return breaking && timeout === DEFAULT_TIMEOUT_SECONDS ? REBUILD_TIMEOUT_SECONDS : timeout;
}

/**
 * Shows what the upload would do to all rows. Whether it goes on: not where schema-validator would refuse it, or it would newly
 * reject more rows than --max-rejected allows.
 */
export async function showBreakingPlan(
  { file, topic, text, locate }: Candidate,
  reason: string,
  { maxRejected, format }: BreakingOptions,
  deployment: Deployment,
  cloud: Cloud,
  terminal: Terminal,
): Promise<boolean> {
  const check = checkSchema(text, { topic });
  if (!check.ok) throw new CliError(`${file}: ${check.problems[0]?.message ?? 'it is no schema'}.`);
  const plan = await planMerge(
    { topic, text, ...check },
    deployment,
    cloud,
    { since: undefined, samples: SAMPLES },
    reason,
  );
  const about = { topic, file, version: check.schema.version, since: undefined };
  const report = reportOf(plan, about, { maxRejected }, locate);
  const shown = planText(report, { sql: false });
  if (format === 'json') terminal.writeError(shown);
  else terminal.write(`${shown}\n`);
  return report.blocked_by.length === 0;
}
