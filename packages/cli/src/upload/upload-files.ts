import { mapLimit, type SchemaProblem, type TopicName } from '@lean-ops/common/core';

import type { Cloud } from '../pipeline/aws-clients';
import { compare, type Comparison } from '../schemas/merge-preview';
import type { Deployment } from '../pipeline/deployment';
import { locateProblems, type Place } from '../schemas/locate-problems';
import { UsageError } from '../terminal';
import { push, type PushOutcome } from './upload-schema';
import { OUTCOMES, type FileResult } from './file-result';
import { decide, type Standing } from './decide-upload';
import { readErrorReport } from './error-report';

/** A file that may be uploaded. */
export interface Candidate {
  readonly file: string;
  readonly topic: TopicName;
  readonly text: string;
  readonly locate: (pointer: string) => Place;
}

export interface DeliverOptions {
  readonly standingOf: (topic: TopicName) => Promise<Standing>;
  /** Uploads whatever is active, or was refused. */
  readonly force: boolean;
  /** Uploads what was refused before, as somebody asked for this very file. */
  readonly again: boolean;
  /** Is what the validator would refuse refused here, and not uploaded? */
  readonly judged: boolean;
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  /** Uploads at one time. */
  readonly concurrency: number;
  /** Told of each file as soon as it is done with. */
  readonly onResult: (result: FileResult) => void;
}

/** Uploads the files that need it, and waits for the verdict on each. What one file meets stops no other. */
export async function deliver(
  candidates: readonly Candidate[],
  deployment: Deployment,
  cloud: Cloud,
  options: DeliverOptions,
): Promise<FileResult[]> {
  return mapLimit(candidates, options.concurrency, async (candidate) => {
    const result = await deliverOne(candidate, deployment, cloud, options);
    options.onResult(result);
    return result;
  });
}

async function deliverOne(
  candidate: Candidate,
  deployment: Deployment,
  cloud: Cloud,
  options: DeliverOptions,
): Promise<FileResult> {
  const { topic, text } = candidate;
  const blank = { ...NOTHING, file: candidate.file, topic };
  try {
    const standing = await options.standingOf(topic);
    const comparison = compare(standing.active, text, topic, deployment.lake);
    const base = { ...blank, ...known(comparison) };
    const decision = options.force ? 'PUSH' : decide(text, standing);
    if (decision === 'ACTIVE') return { ...base, outcome: OUTCOMES.active };
    if (decision === 'REFUSED_BEFORE' && !options.again) {
      const read = await readErrorReport(cloud.objects, deployment.schemaBucket, topic);
      const problems = located(candidate, read.ok ? read.report.problems : []);
      return { ...base, outcome: OUTCOMES.refused, note: REFUSED_BEFORE, problems };
    }
    const foreseen = options.judged && 'problems' in comparison ? comparison.problems : [];
    if (foreseen.length > 0) {
      return { ...base, outcome: OUTCOMES.refused, note: NOT_UPLOADED, problems: located(candidate, foreseen) };
    }
    if (options.dryRun) return { ...base, outcome: OUTCOMES.planned };
    const outcome = await push(topic, text, deployment, cloud, options.timeoutMs);
    return { ...base, uploaded: true, ...told(outcome, candidate, deployment) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { ...blank, outcome: OUTCOMES.failed, note: error.message };
  }
}

const NOTHING = { uploaded: false, version: null, changes: null, seconds: null, note: null, problems: [] } as const;
const REFUSED_BEFORE = 'this very text was refused before, and is not uploaded again (--force does)';
const GONE =
  'the upload is no longer in pending/: a newer one of a text that was judged before took its place, or somebody removed it';
const NOT_UPLOADED = 'not uploaded: it could not follow what is active';

function located({ file, locate }: Candidate, problems: readonly SchemaProblem[]) {
  return locateProblems(file, problems, locate);
}

function known(comparison: Comparison): Pick<FileResult, 'version' | 'changes'> {
  return {
    version: 'schema' in comparison ? comparison.schema.version : null,
    changes: 'changes' in comparison ? comparison.changes.length : null,
  };
}

function told(
  outcome: PushOutcome,
  candidate: Candidate,
  deployment: Deployment,
): Pick<FileResult, 'outcome' | 'seconds' | 'note' | 'problems'> {
  const { seconds } = outcome;
  const ended = { seconds, note: null, problems: [] };
  switch (outcome.verdict) {
    case 'READY': {
      const held = outcome.held && `the topic stays in ${outcome.held}, which an operator set`;
      return { ...ended, outcome: OUTCOMES.ready, note: held ?? null };
    }
    case 'REFUSED':
      return { ...ended, outcome: OUTCOMES.refused, problems: located(candidate, outcome.problems) };
    case 'SUPERSEDED':
      return { ...ended, outcome: OUTCOMES.superseded, note: 'a newer upload of this topic took its place' };
    case 'GONE':
      return { ...ended, outcome: OUTCOMES.noVerdict, note: GONE };
    case 'TIMEOUT':
      return { ...ended, outcome: OUTCOMES.noVerdict, note: whereToLook(outcome.begun, deployment) };
  }
}

/** The upload stays in pending/: nothing is lost by waiting for it. */
function whereToLook(begun: boolean, { registryTable }: Deployment): string {
  // Names of one pipeline share their prefix.
  const prefix = /^(.*)-schema-registry$/.exec(registryTable)?.[1] ?? '{name_prefix}';
  return begun
    ? `schema-validator began and came to no end yet: see its log group /aws/lambda/${prefix}-schema-validator`
    : `schema-validator has not begun: see /aws/lambda/${prefix}-schema-validator and docs/runbooks/failed-schema-uploads.md`;
}
