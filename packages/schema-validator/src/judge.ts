import {
  checkSchema,
  CHANGE_KINDS,
  isBreaking,
  isObject,
  LeanOpsError,
  readTopicSchema,
  schemaChanges,
  type SchemaChange,
  type SchemaProblem,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';

export type Judgement =
  | {
      readonly ok: true;
      readonly schema: TopicSchema;
      /** undefined for a topic's first schema. */
      readonly active: TopicSchema | undefined;
      readonly changes: readonly SchemaChange[];
    }
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };

/**
 * Steps 1 and 2: is the candidate a schema, and may it follow the active one?
 *
 * @throws LeanOpsError ACTIVE_SCHEMA_UNREADABLE when the active file, which was checked before it got there, is damaged
 */
export function judge(topic: TopicName, candidateText: string, activeText: string | undefined): Judgement {
  const check = checkSchema(candidateText, { topic });
  if (!check.ok) return check;
  const active = activeText === undefined ? undefined : readActive(topic, activeText);
  const changes = active ? schemaChanges(active, check.schema) : [];
  const problems = [
    ...changes.filter(isBreaking).map(({ kind, path, sentence, remedy }) => ({
      code: `BREAKING_${kind}`,
      path,
      message: sentence,
      hint: remedy,
    })),
    ...(active ? versionProblems(active, check.schema, changes) : []),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, schema: check.schema, active, changes };
}

function readActive(topic: TopicName, text: string): TopicSchema {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    document = undefined;
  }
  if (isObject(document)) return readTopicSchema(document);
  throw new LeanOpsError(
    'ACTIVE_SCHEMA_UNREADABLE',
    `the active schema of ${topic} is no JSON object: restore it from archive/`,
  );
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
      message: `x-version is ${candidate.version}, and version ${active.version} is active`,
      hint: `write "x-version": ${active.version + 1}`,
    },
  ];
}
