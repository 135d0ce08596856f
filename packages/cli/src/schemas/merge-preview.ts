import {
  checkSchema,
  curatedTable,
  isTopicName,
  compareSchemas,
  planTable,
  readAcceptedSchema,
  standardizedTable,
  tableNameOf,
  type Lake,
  type SchemaChange,
  type SchemaProblem,
  type TopicSchema,
} from '@lean-ops/common/core';

/** What a merge of one file does. Pure: of two texts. */
export type Comparison =
  /** Nothing is uploaded, and what is in force stays so. */
  | { readonly status: 'removed' }
  /** The validator refuses it, before it compares anything. */
  | { readonly status: 'invalid'; readonly problems: readonly SchemaProblem[] }
  | {
      readonly status: 'added';
      readonly schema: TopicSchema;
      readonly statements: readonly string[];
      /** There was a file before, and it was no schema. */
      readonly baseUnreadable: boolean;
    }
  | {
      readonly status: 'changed';
      readonly schema: TopicSchema;
      readonly before: TopicSchema;
      readonly changes: readonly SchemaChange[];
      /** Why the validator refuses it; the breaking changes are among them. */
      readonly problems: readonly SchemaProblem[];
      /** Of Athena; none where it is refused. */
      readonly statements: readonly string[];
    };

/**
 * @param base undefined where there was no file
 * @param candidate undefined where there is none any more
 */
export function compare(
  base: string | undefined,
  candidate: string | undefined,
  topic: string | undefined,
  lake: Lake,
): Comparison {
  if (candidate === undefined) return { status: 'removed' };
  const check = checkSchema(candidate, topic === undefined ? {} : { topic });
  if (!check.ok) return { status: 'invalid', problems: check.problems };
  const { schema } = check;
  const before = base === undefined ? undefined : readAcceptedSchema(base);
  if (before === undefined) {
    return {
      status: 'added',
      schema,
      statements: statementsFor(undefined, schema, lake),
      baseUnreadable: base !== undefined,
    };
  }
  const { changes, problems } = compareSchemas(before, schema);
  const statements = problems.length > 0 ? [] : statementsFor(before, schema, lake);
  return { status: 'changed', schema, before, changes, problems, statements };
}

/** What brings the tables of the version before to this one. A merge plans against the tables as they are. */
function statementsFor(before: TopicSchema | undefined, schema: TopicSchema, lake: Lake): string[] {
  if (!isTopicName(schema.topic)) return [];
  const table = tableNameOf(schema.topic);
  const standardized = before === undefined ? [planTable(undefined, standardizedTable(lake, table))] : [];
  const existing = before === undefined ? undefined : curatedTable(lake, table, before).columns;
  const plans = [...standardized, planTable(existing, curatedTable(lake, table, schema))];
  return plans.flatMap(({ steps }) => steps.map(({ sql }) => sql));
}
