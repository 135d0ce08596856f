import { claimTable, ensureTable, readSize } from '@lean-ops/common/aws';
import {
  AthenaStatementError,
  curatedTable,
  databaseOf,
  LAYERS,
  standardizedTable,
  tableNameOf,
  takenNames,
  type TableDefinition,
  type TopicName,
  type TopicSchema,
} from '@lean-ops/common/core';
import type { Collaborators, Resources } from './collaborators';
import { SchemaRefusedError } from './errors';

/**
 * Steps 3 and 4: creates the topic's tables or brings them in line with the schema. Columns that an overtaken upload added
 * stay, and are NULL. Columns that the schema renames keep their names until it is active: see renameColumns.
 *
 * @throws SchemaRefusedError when the schema cannot have its tables
 */
export async function makeTopicTables(
  topic: TopicName,
  schema: TopicSchema,
  { lake, registryTable }: Resources,
  deps: Collaborators,
): Promise<void> {
  const ownership = await claimTable(deps.documents, registryTable, topic);
  const { tableName } = ownership;
  if (!ownership.owned) {
    const message = `the table ${tableName} belongs to the topic ${ownership.owner}`;
    const hint = "rename this topic: '.', '-' and '_' all become '_' in a table name";
    throw new SchemaRefusedError([{ code: 'TOPIC_COLLISION', path: '/x-topic', message, hint }]);
  }
  const made = await Promise.allSettled([
    makeTable(deps, standardizedTable(lake, tableName)),
    makeTable(deps, curatedTable(lake, tableName, schema)),
  ]);
  // Both are awaited, so that nothing of this run goes on after its answer.
  const failures = made.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  // A failure that a later try may mend goes first, because a refusal is final.
  if (failures.length > 0) throw failures.find((error) => !(error instanceof SchemaRefusedError)) ?? failures[0];
}

/**
 * Refuses a rebuild of a Curated table that no cycle has written to. The operation would fail, and keep the topic's uploads waiting until
 * somebody cancels it.
 *
 * @throws SchemaRefusedError
 */
export async function refuseUnwritten(
  topic: TopicName,
  { lake }: Resources,
  { catalog, objects }: Collaborators,
): Promise<void> {
  const [database, table] = [databaseOf(lake, LAYERS.curated), tableNameOf(topic)];
  const location = (await catalog.getTable(database, table))?.metadataLocation;
  const size = location === undefined ? undefined : await readSize(objects, location);
  if (size?.snapshots !== 0) return;
  const message = `no cycle has written to ${database}.${table} yet, so there is nothing that could be rebuilt`;
  const hint = 'push it again once a cycle has taken events of the topic';
  throw new SchemaRefusedError([{ code: 'NOTHING_TO_REBUILD', path: '', message, hint }]);
}

/**
 * Refuses a version that renames a column to a name that the table has already: its values would stay under the old one.
 *
 * @throws SchemaRefusedError
 */
export async function refuseTakenNames(
  topic: TopicName,
  active: TopicSchema,
  schema: TopicSchema,
  { lake }: Resources,
  { catalog }: Collaborators,
): Promise<void> {
  if (schema.columns.every(({ formerNames }) => formerNames.length === 0)) return;
  const { database, table } = curatedTable(lake, tableNameOf(topic), schema);
  const columns = (await catalog.getTable(database, table))?.columns.map(({ name }) => name);
  const problems = takenNames(active, schema, columns);
  if (problems.length > 0) throw new SchemaRefusedError(problems);
}

/**
 * Gives Curated's columns the names that the active schema has for them. It comes after the activation, so that the table
 * never has a name that no active schema knows: a run that dies in between leaves a table that lacks a column of the active
 * schema, which Curated says, and which the next try or another push of the same schema mends.
 *
 * @throws AthenaStatementError also where the fault is the schema's: it is in force, and no verdict takes it back
 */
export async function renameColumns(
  topic: TopicName,
  schema: TopicSchema,
  { lake }: Resources,
  { athena, catalog }: Collaborators,
): Promise<void> {
  if (schema.columns.every(({ formerNames }) => formerNames.length === 0)) return;
  await ensureTable(athena, catalog, curatedTable(lake, tableNameOf(topic), schema));
}

async function makeTable({ athena, catalog }: Collaborators, definition: TableDefinition): Promise<void> {
  const where = `${definition.database}.${definition.table}`;
  try {
    const ensured = await ensureTable(athena, catalog, definition, { renames: false });
    if (ensured.ok) return;
    throw new SchemaRefusedError(
      ensured.conflicts.map(({ column, tableType, wantedType }) => ({
        code: 'TABLE_CONFLICT',
        path: '/properties',
        message: `${where} has the column ${column} as ${tableType}, which cannot become ${wantedType}`,
        hint: `use a type that ${tableType} fits, or another name for the field`,
      })),
    );
  } catch (error) {
    // What an operator must mend (permissions, databases) is tried again; the schema is not refused for it.
    if (!(error instanceof AthenaStatementError) || error.disposition !== 'statement') throw error;
    const hint = 'the schema passed every check, and Athena still refused its table: tell the operators';
    throw new SchemaRefusedError([{ code: error.code, path: '', message: `${where}: ${error.message}`, hint }], {
      cause: error,
    });
  }
}
