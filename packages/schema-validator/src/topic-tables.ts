import { claimTable, ensureTable } from '@lean-ops/common/aws';
import {
  AthenaStatementError,
  curatedTable,
  standardizedTable,
  type TableDefinition,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';
import type { Collaborators, Places } from './collaborators';
import { Refusal } from './errors';

/**
 * Steps 3 and 4: the topic's tables, made or brought in line. Columns that an overtaken upload added stay: they are NULL.
 *
 * @throws Refusal when the schema cannot have its tables
 */
export async function makeTables(
  topic: TopicName,
  schema: TopicSchema,
  { lake, registryTable }: Places,
  deps: Collaborators,
): Promise<void> {
  const ownership = await claimTable(deps.documents, registryTable, topic);
  const { tableName } = ownership;
  if (!ownership.owned) {
    const message = `the table ${tableName} belongs to the topic ${ownership.owner}`;
    const hint = "rename this topic: '.', '-' and '_' all become '_' in a table name";
    throw new Refusal([{ code: 'TOPIC_COLLISION', path: '/x-topic', message, hint }]);
  }
  const made = await Promise.allSettled([
    makeTable(deps, standardizedTable(lake, tableName)),
    makeTable(deps, curatedTable(lake, tableName, schema)),
  ]);
  // Both are waited for: nothing of this run goes on once it has answered.
  const failures = made.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  // What a later try may mend goes first: a refusal is for good.
  if (failures.length > 0) throw failures.find((error) => !(error instanceof Refusal)) ?? failures[0];
}

async function makeTable({ athena, catalog }: Collaborators, definition: TableDefinition): Promise<void> {
  const where = `${definition.database}.${definition.table}`;
  try {
    const ensured = await ensureTable(athena, catalog, definition);
    if (ensured.ok) return;
    throw new Refusal(
      ensured.conflicts.map(({ column, tableType, wantedType }) => ({
        code: 'TABLE_CONFLICT',
        path: '/properties',
        message: `${where} has the column ${column} as ${tableType}, which cannot become ${wantedType}`,
        hint: `use a type that ${tableType} fits, or another name for the field`,
      })),
    );
  } catch (error) {
    // What the operator must mend (permissions, databases) is no fault of the schema: it is tried again, not refused.
    if (!(error instanceof AthenaStatementError) || error.disposition !== 'statement') throw error;
    const hint = 'the schema passed every check, and Athena still refused its table: tell the operators';
    throw new Refusal([{ code: error.code, path: '', message: `${where}: ${error.message}`, hint }]);
  }
}
