/** What is being done about errors, as the table of operations has it: causes that are ignored, and replays that run. */
import {
  isIgnoring,
  isReplaying,
  readIgnored,
  readOperation,
  type ErrorGroup,
  type IgnoredMark,
  type Operation,
} from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';

export interface Doings {
  /** Marks that count, by fingerprint. */
  readonly ignored: ReadonlyMap<string, IgnoredMark>;
  readonly replays: readonly Operation[];
}

/** Reads both by one scan; nothing for a pipeline of a version without operations. */
export async function readDoings(
  { operationsTable }: Pick<Deployment, 'operationsTable'>,
  { documents }: Pick<Cloud, 'documents'>,
  now: number,
): Promise<Doings> {
  const items = operationsTable === undefined ? [] : await documents.scan(operationsTable);
  const marks = items.flatMap((item) => readIgnored(item) ?? []).filter((mark) => isIgnoring(mark, now));
  return {
    ignored: new Map(marks.map((mark) => [mark.fingerprint, mark])),
    replays: items
      .flatMap((item) => readOperation(item) ?? [])
      .filter(({ kind, state }) => kind === 'replay' && state === 'RUNNING'),
  };
}

/** The group as `replaying`, where a replay that runs is about it. */
export function withReplaying(group: ErrorGroup, { replays }: Doings): ErrorGroup {
  if (group.rows === 0 || !replays.some((replay) => isReplaying(group, replay))) return group;
  return { ...group, state: 'replaying' };
}
