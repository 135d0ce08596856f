import {
  checkSuccessor,
  compareSchemas,
  LeanOpsError,
  readAcceptedSchema,
  type AcceptedBreak,
  type SchemaChange,
  type SchemaProblem,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';

/** More time than `schema lint` has, because the processor is slower: a pattern that passes there passes here. */
const PATTERN_BUDGET_MS = 20_000;

export type CandidateVerdict =
  | {
      readonly ok: true;
      readonly schema: TopicSchema;
      /** The schema in its normal form: what becomes active. */
      readonly text: string;
      /** undefined for a topic's first schema. */
      readonly active: TopicSchema | undefined;
      readonly changes: readonly SchemaChange[];
      /** Present where it breaks the active one, and its author has asked for that. */
      readonly rebuild: AcceptedBreak | undefined;
    }
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };

/**
 * Steps 1 and 2: checks that the candidate is a schema, and compares it with the active one.
 *
 * @param reason why it may break the active one, where the upload said so and not the file
 * @throws LeanOpsError ACTIVE_SCHEMA_UNREADABLE when the active file, which was checked before it got there, is damaged
 */
export function checkCandidate(
  topic: TopicName,
  candidateText: string,
  activeText: string | undefined,
  reason?: string,
): CandidateVerdict {
  const active = activeText === undefined ? undefined : readSchema(topic, activeText);
  const check = checkSuccessor(candidateText, { topic, patternBudgetMs: PATTERN_BUDGET_MS }, active);
  if (!check.ok) return check;
  const { schema, text, sourceOf } = check;
  if (active === undefined) return { ok: true, schema, text, active, changes: [], rebuild: undefined };
  const { changes, problems, rebuild } = compareSchemas(active, schema, reason);
  return problems.length > 0
    ? { ok: false, problems: problems.map((one) => ({ ...one, path: sourceOf(one.path) })) }
    : { ok: true, schema, text, active, changes, rebuild };
}

/**
 * Reads a schema that was active once.
 *
 * @throws LeanOpsError ACTIVE_SCHEMA_UNREADABLE when the text is not a JSON object
 */
export function readSchema(topic: TopicName, text: string): TopicSchema {
  const schema = readAcceptedSchema(text);
  if (schema !== undefined) return schema;
  throw new LeanOpsError(
    'ACTIVE_SCHEMA_UNREADABLE',
    `the active schema of ${topic} is no JSON object: restore it from archive/`,
  );
}
