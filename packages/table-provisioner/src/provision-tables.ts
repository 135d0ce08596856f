import {
  claimTable,
  ensureTable,
  type Athena,
  type Catalog,
  type Clock,
  type DocumentStore,
} from '@lean-ops/common/aws';
import {
  absent,
  checkTopic,
  LeanOpsError,
  mapLimit,
  messageOf,
  printable,
  standardizedTable,
  systemTables,
  type Lake,
  type TableDefinition,
  type TopicName,
} from '@lean-ops/common/core';

export interface Collaborators {
  readonly athena: Athena;
  readonly catalog: Catalog;
  readonly documents: DocumentStore;
  readonly clock: Clock;
}

export interface Places {
  readonly lake: Lake;
  readonly registryTable: string;
  readonly concurrency: number;
}

export interface SystemTablesResult {
  /** `database.table`, made by this call. */
  readonly created: readonly string[];
  /** There before; columns that were missing were added. */
  readonly ensured: readonly string[];
}

export type TopicTable =
  | { readonly topic_name: string; readonly table_name: string; readonly status: 'READY' }
  | {
      readonly topic_name: string;
      readonly table_name: string;
      readonly status: 'REFUSED';
      readonly error_code: string;
      readonly error_message: string;
    };

async function ensured({ athena, catalog }: Collaborators, definition: TableDefinition): Promise<boolean> {
  const result = await ensureTable(athena, catalog, definition);
  if (result.ok) return result.created;
  const conflicts = result.conflicts.map(
    ({ column, tableType, wantedType }) => `${column} is ${tableType} and should be ${wantedType}`,
  );
  throw new LeanOpsError(
    'TABLE_CONFLICT',
    `${definition.database}.${definition.table} exists with other column types: ${conflicts.join('; ')}`,
  );
}

/** RAW and the tables of `_ops`. Safe to repeat: tables and columns that are there stay as they are. */
export async function provisionSystemTables(places: Places, deps: Collaborators): Promise<SystemTablesResult> {
  const results = await mapLimit(systemTables(places.lake), places.concurrency, async (definition) => ({
    name: `${definition.database}.${definition.table}`,
    created: await ensured(deps, definition),
  }));
  return {
    created: results.filter(({ created }) => created).map(({ name }) => name),
    ensured: results.filter(({ created }) => !created).map(({ name }) => name),
  };
}

/**
 * A Standardized table for each topic, and its place in the registry. A topic that can have none (an illegal name, a
 * table that belongs to another topic) is REFUSED with the reason; its events then go to parse_errors. Safe for several
 * callers at once.
 *
 * @throws AggregateError when some tables could not be made for now: all others were, and the call may be repeated
 */
export async function provisionTopics(
  topics: readonly string[],
  places: Places,
  deps: Collaborators,
): Promise<{ readonly tables: readonly TopicTable[] }> {
  const failures: Error[] = [];
  const tables = await mapLimit([...new Set(topics)], places.concurrency, async (name) => {
    const check = checkTopic(name);
    if (!check.ok) return refused(name, '', check.code, check.message);
    try {
      return await provisionTopic(check.topic, places, deps);
    } catch (error) {
      failures.push(new Error(`${printable(name)}: ${messageOf(error)}`, { cause: error }));
      return undefined;
    }
  });
  if (failures.length > 0) {
    throw new AggregateError(failures, `${failures.length} of ${tables.length} tables: ${failures[0]?.message ?? ''}`);
  }
  return { tables: tables.filter((table) => table !== undefined) };
}

async function provisionTopic(topic: TopicName, places: Places, deps: Collaborators): Promise<TopicTable> {
  const ownership = await claimTable(deps.documents, places.registryTable, topic);
  const { tableName } = ownership;
  if (!ownership.owned) {
    return refused(
      topic,
      tableName,
      'TOPIC_COLLISION',
      `the table ${tableName} belongs to the topic ${ownership.owner}; rename this one ('.', '-' and '_' all become '_')`,
    );
  }
  await ensured(deps, standardizedTable(places.lake, tableName));
  // A topic that the schema-validator knows already keeps its item.
  await deps.documents.update(
    places.registryTable,
    { topic_name: topic },
    {
      set: {
        table_name: tableName,
        processing_enabled: false,
        status: 'READY',
        updated_at: new Date(deps.clock.now()).toISOString(),
      },
    },
    absent('status'),
  );
  return { topic_name: topic, table_name: tableName, status: 'READY' };
}

function refused(topic: string, tableName: string, code: string, message: string): TopicTable {
  return { topic_name: topic, table_name: tableName, status: 'REFUSED', error_code: code, error_message: message };
}
