import {
  classifyError,
  curatedTable,
  planTable,
  standardizedTable,
  tableNameOf,
  type ColumnConflict,
  type Lake,
  type SchemaProblem,
  type TableColumn,
  type TableDefinition,
  type TablePlan,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import { explainError } from '../pipeline/explain-aws-errors';
import { CliError } from '../errors';

/** What an active schema's tables are like. */
export type TableComparison =
  | { readonly state: 'FIT' }
  /** An upload of the very same schema mends them. `lacks` is a sentence for people. */
  | { readonly state: 'BEHIND'; readonly lacks: string }
  /** Columns have types that cannot become those of the schema, so no upload mends them. */
  | { readonly state: 'CONFLICT'; readonly problems: readonly SchemaProblem[] }
  /** These credentials may not look at tables. */
  | { readonly state: 'UNKNOWN'; readonly why: string };

/**
 * Compares a topic's two tables with its active schema. A schema can be active while its table is not what it says: somebody
 * dropped the table, or restored an older one.
 *
 * @throws CliError when Glue does not answer
 */
export async function compareTables(
  topic: TopicName,
  schema: TopicSchema,
  lake: Lake,
  { catalog }: Pick<Cloud, 'catalog'>,
): Promise<TableComparison> {
  const table = tableNameOf(topic);
  const definitions = [standardizedTable(lake, table), curatedTable(lake, table, schema)];
  try {
    const tables = await Promise.all(
      definitions.map(async (definition) => {
        const found = await catalog.getTable(definition.database, definition.table);
        return { definition, existing: found?.columns, plan: planTable(found?.columns, definition) };
      }),
    );
    const problems = tables.flatMap(({ definition, plan }) =>
      plan.conflicts.map((conflict) => conflictProblem(conflict, definition, schema)),
    );
    if (problems.length > 0) return { state: 'CONFLICT', problems };
    const said = tables.flatMap(({ definition, existing, plan }) => whatLacks(existing, plan, definition) ?? []);
    return said.length === 0 ? { state: 'FIT' } : { state: 'BEHIND', lacks: said.join('; ') };
  } catch (error) {
    const why = explainError(error, 'glue:GetTable', `the tables of ${topic}`);
    if (classifyError(error).code.startsWith('AccessDenied')) return { state: 'UNKNOWN', why };
    throw new CliError(why, { cause: error });
  }
}

function conflictProblem(
  { column, tableType, wantedType }: ColumnConflict,
  { database, table }: TableDefinition,
  schema: TopicSchema,
): SchemaProblem {
  return {
    code: 'TABLE_CONFLICT',
    path: schema.columns.find((one) => one.column === column)?.pointer ?? '',
    message: `${database}.${table} has ${column} as ${tableType}, and the active schema says ${wantedType}`,
    hint: 'restore the table, or roll it back to a snapshot before the change: no upload can mend this',
  };
}

const MAX_NAMED = 5;

/** What a table lacks of its definition, in words; undefined when it has everything that a statement could give it. */
function whatLacks(
  existing: readonly TableColumn[] | undefined,
  { steps }: TablePlan,
  definition: TableDefinition,
): string | undefined {
  const where = `${definition.database}.${definition.table}`;
  if (steps.length === 0) return undefined;
  if (existing === undefined) return `the table ${where} is not there`;
  const columns = steps.flatMap((step) =>
    step.kind === 'add'
      ? step.columns.map(({ name }) => name)
      : step.kind === 'promote'
        ? [`${step.column.name} as ${step.column.type}`]
        : step.kind === 'rename'
          ? [`${step.column.name}, which is ${step.from.name} there`]
          : [],
  );
  const more = columns.length - MAX_NAMED;
  return `${where} lacks ${columns.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
