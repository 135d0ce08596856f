import {
  checkSuccessor,
  curatedTable,
  isTopicName,
  compareSchemas,
  planTable,
  readAcceptedSchema,
  standardizedTable,
  tableNameOf,
  type AcceptedBreak,
  type Lake,
  type SchemaChange,
  type SchemaProblem,
  type TopicSchema,
} from '@lean-ops/common/core';

/** The effect of merging one schema file, as far as the two texts alone tell. */
export type MergePreview =
  /** The file is gone: nothing is uploaded, and the active schema stays in force. */
  | { readonly status: 'removed' }
  /** The file is not a valid schema: schema-validator refuses it before it compares versions. */
  | { readonly status: 'invalid'; readonly problems: readonly SchemaProblem[] }
  | {
      readonly status: 'added';
      readonly schema: TopicSchema;
      readonly statements: readonly string[];
      /** True when the base has a file that is not a schema. */
      readonly baseUnreadable: boolean;
    }
  | {
      readonly status: 'changed';
      readonly schema: TopicSchema;
      readonly before: TopicSchema;
      readonly changes: readonly SchemaChange[];
      /** Reasons why schema-validator refuses the file; the breaking changes are among them. */
      readonly problems: readonly SchemaProblem[];
      /** Present where it breaks the version before and says why: Curated is rebuilt under it. */
      readonly rebuild: AcceptedBreak | undefined;
      /** The statements that the merge runs on Athena; none when it is refused, or Curated is rebuilt. */
      readonly statements: readonly string[];
    };

/**
 * Compares a schema file with its base.
 *
 * @param base the text before; undefined when there was no file
 * @param candidate the text now; undefined when the file is gone
 * @param topic the topic that the file must be for; undefined when only the file says
 * @param reason why it may break its base, where the file does not say so
 */
export function previewMerge(
  base: string | undefined,
  candidate: string | undefined,
  topic: string | undefined,
  lake: Lake,
  reason?: string,
): MergePreview {
  if (candidate === undefined) return { status: 'removed' };
  const before = base === undefined ? undefined : readAcceptedSchema(base, topic);
  const check = checkSuccessor(candidate, topic === undefined ? {} : { topic }, before);
  if (!check.ok) return { status: 'invalid', problems: check.problems };
  const { schema, sourceOf } = check;
  const placed = <T extends { readonly path: string }>(found: readonly T[]): T[] =>
    found.map((one) => ({ ...one, path: sourceOf(one.path) }));
  if (before === undefined) {
    return {
      status: 'added',
      schema,
      statements: statementsFor(undefined, schema, lake),
      baseUnreadable: base !== undefined,
    };
  }
  const { changes, problems, rebuild } = compareSchemas(before, schema, reason);
  const statements = problems.length > 0 || rebuild !== undefined ? [] : statementsFor(before, schema, lake);
  return {
    status: 'changed',
    schema,
    before,
    changes: placed(changes),
    problems: placed(problems),
    rebuild,
    statements,
  };
}

/**
 * Statements that bring the tables from the version before to this one. They are a preview: the merge itself compares with
 * the tables as they are.
 */
function statementsFor(before: TopicSchema | undefined, schema: TopicSchema, lake: Lake): string[] {
  if (!isTopicName(schema.topic)) return [];
  const table = tableNameOf(schema.topic);
  const standardized = before === undefined ? [planTable(undefined, standardizedTable(lake, table))] : [];
  const existing = before === undefined ? undefined : curatedTable(lake, table, before).columns;
  const plans = [...standardized, planTable(existing, curatedTable(lake, table, schema))];
  return plans.flatMap(({ steps }) => steps.map(({ sql }) => sql));
}
