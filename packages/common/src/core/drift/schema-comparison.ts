import { CHANGE_KINDS, isBreaking, type SchemaChange } from './change';
import { schemaChanges } from './schema-changes';
import { depthUpTo, isObject } from '../json/value';
import { MAX_FILE_DEPTH } from '../composition/check';
import { normalForm } from '../composition/normal-form';
import { MAX_COLUMNS } from '../schema/columns';
import { readTopicSchema, type TopicSchema } from '../schema/model';
import type { SchemaProblem } from '../problem';

/** The changes from one version of a schema to another. */
export interface SchemaComparison {
  readonly changes: readonly SchemaChange[];
  /** The reasons why the second may not follow the first; empty when it may. */
  readonly problems: readonly SchemaProblem[];
  /** Present where the second breaks the first and says so: Curated has to be rebuilt under it. */
  readonly rebuild: AcceptedBreak | undefined;
}

/** A break that the author of a schema has asked for. */
export interface AcceptedBreak {
  readonly reason: string;
  /** What breaks; at least one. */
  readonly breaking: readonly SchemaProblem[];
}

/** What the refusal of a breaking change names beside its own remedy. */
export const BREAKING_HINT = 'or have Curated rebuilt: lean-ops schema push --breaking, or x-breaking in the file';

/**
 * Compares a candidate with the active schema. schema-validator decides by it, and `schema diff` tells a pull request.
 *
 * A breaking change is refused unless there is a reason for it. The reason in the file counts for one version: one that the active
 * schema has as well was for the change that made that one.
 *
 * @param given a reason that came with the upload, and not in the file
 */
export function compareSchemas(active: TopicSchema, candidate: TopicSchema, given?: string): SchemaComparison {
  const changes = schemaChanges(active, candidate);
  const breaking = changes.filter(isBreaking).map(({ kind, path, sentence, remedy }) => ({
    code: kind,
    path,
    message: sentence,
    hint: remedy,
  }));
  const versions = versionProblems(active, candidate, changes);
  const { breakingReason } = candidate;
  const stale = given === undefined && breakingReason !== undefined && breakingReason === active.breakingReason;
  const reason = given ?? (stale ? undefined : breakingReason);
  if (breaking.length > 0 && reason !== undefined) {
    return { changes, problems: [...partitionProblems(active, candidate), ...versions], rebuild: { reason, breaking } };
  }
  const refused = breaking.map((problem) => ({ ...problem, hint: `${problem.hint}; ${BREAKING_HINT}` }));
  return {
    changes,
    problems: [...(stale && breaking.length > 0 ? [staleReason(active.version)] : []), ...refused, ...versions],
    rebuild: undefined,
  };
}

/**
 * Why no rebuild can make Curated as the candidate says: the table is partitioned by the column of x-event-time, and some engines cannot
 * read a table any more one of whose older partition specs names a column that is gone, retyped or renamed.
 */
function partitionProblems(active: TopicSchema, candidate: TopicSchema): SchemaProblem[] {
  const [before, after] = [active, candidate].map(({ columns }) =>
    columns.find(({ column }) => column === active.eventTime),
  );
  if (before === undefined || before.athenaType === after?.athenaType) return [];
  const what = after === undefined ? 'has no more' : 'gives another type';
  return [
    {
      code: 'PARTITION_COLUMN',
      path: after?.pointer ?? before.pointer,
      message: `Curated is partitioned by ${before.column}, which this version ${what}, and a rebuild cannot change that`,
      hint: 'keep that field as it is, and add another one beside it; or start a new topic',
    },
  ];
}

function staleReason(version: number): SchemaProblem {
  return {
    code: 'BREAKING_REASON_STALE',
    path: '/x-breaking-reason',
    message: `x-breaking-reason is that of version ${version}, which is active already`,
    hint: 'write why this version breaks that one, or take x-breaking and x-breaking-reason out',
  };
}

function versionProblems(
  active: TopicSchema,
  candidate: TopicSchema,
  changes: readonly SchemaChange[],
): SchemaProblem[] {
  const changesRows = changes.some(({ kind }) => kind !== CHANGE_KINDS.annotationChanged);
  if (candidate.version > active.version || (candidate.version === active.version && !changesRows)) return [];
  return [
    {
      code: 'VERSION_NOT_INCREASED',
      path: '/x-version',
      message: `x-version is ${candidate.version}, but version ${active.version} is already active`,
      hint: `write "x-version": ${active.version + 1}`,
    },
  ];
}

/**
 * Reads the model of a schema that was accepted once. It is not checked again, as it may have passed under older rules.
 * undefined for a text that no rules ever accepted.
 *
 * @param topic of a file that states none, as the author's may
 */
export function readAcceptedSchema(text: string, topic?: string): TopicSchema | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(document) || depthUpTo(document, MAX_FILE_DEPTH) > MAX_FILE_DEPTH) return undefined;
  const normal = normalForm(text, document, { topic, version: 1, patternBudgetMs: 0, maxColumns: MAX_COLUMNS });
  return readTopicSchema(normal.text, normal.document);
}
