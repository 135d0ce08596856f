import { CHANGE_KINDS, isBreaking, type SchemaChange } from './change';
import { schemaChanges } from './schema-changes';
import { depthUpTo, isObject } from '../json/value';
import { MAX_FILE_DEPTH } from '../schema/check';
import { readTopicSchema, type TopicSchema } from '../schema/model';
import type { SchemaProblem } from '../problem';

/** The changes from one version of a schema to another. */
export interface SchemaComparison {
  readonly changes: readonly SchemaChange[];
  /** The reasons why the second may not follow the first; empty when it may. */
  readonly problems: readonly SchemaProblem[];
}

/**
 * Compares a candidate with the active schema. schema-validator decides by it, and `schema diff` tells a pull request.
 */
export function compareSchemas(active: TopicSchema, candidate: TopicSchema): SchemaComparison {
  const changes = schemaChanges(active, candidate);
  const breaking = changes.filter(isBreaking).map(({ kind, path, sentence, remedy }) => ({
    code: kind,
    path,
    message: sentence,
    hint: remedy,
  }));
  return {
    changes,
    problems: [...breaking, ...versionProblems(active, candidate, changes)],
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
 */
export function readAcceptedSchema(text: string): TopicSchema | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isObject(document) && depthUpTo(document, MAX_FILE_DEPTH) <= MAX_FILE_DEPTH
    ? readTopicSchema(text, document)
    : undefined;
}
