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
  ddlAtWork,
  isHeld,
  LeanOpsError,
  mapLimit,
  messageOf,
  printable,
  readHold,
  standardizedTable,
  systemTables,
  type Document,
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

/** The names of what the provisioner writes, and how many tables it makes at a time. */
export interface Resources {
  readonly lake: Lake;
  readonly registryTable: string;
  readonly concurrency: number;
}

export interface SystemTablesResult {
  /** The tables that this call made, as `database.table`. */
  readonly created: readonly string[];
  /** The tables that existed before; columns that they lacked were added. */
  readonly ensured: readonly string[];
}

export type TopicTable =
  | { readonly topic_name: string; readonly table_name: string; readonly status: 'READY' }
  | {
      readonly topic_name: string;
      readonly table_name: string;
      /** HELD where an operator holds the topic, or a schema upload is altering its tables. */
      readonly status: 'REFUSED' | 'HELD';
      readonly error_code: string;
      readonly error_message: string;
    };

/** Makes the table or adds the columns it lacks. Returns true when the table is new. */
async function ensureDefinition({ athena, catalog }: Collaborators, definition: TableDefinition): Promise<boolean> {
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

/** Makes RAW and the tables of `_ops`. It is safe to repeat: existing tables and columns stay as they are. */
export async function provisionSystemTables(resources: Resources, deps: Collaborators): Promise<SystemTablesResult> {
  const results = await mapLimit(systemTables(resources.lake), resources.concurrency, async (definition) => ({
    name: `${definition.database}.${definition.table}`,
    created: await ensureDefinition(deps, definition),
  }));
  return {
    created: results.filter(({ created }) => created).map(({ name }) => name),
    ensured: results.filter(({ created }) => !created).map(({ name }) => name),
  };
}

/**
 * Makes a Standardized table for each topic, and its item in the registry. A topic that cannot have a table (its name is
 * illegal, or the table belongs to another topic) is REFUSED with the reason, and its events go to parse_errors. A topic that
 * is held is left alone, and is HELD with the reason. It is safe for several callers at once.
 *
 * @throws AggregateError when some tables could not be made for now; all others were made, and the call may be repeated
 */
export async function provisionTopics(
  topics: readonly string[],
  resources: Resources,
  deps: Collaborators,
): Promise<{ readonly tables: readonly TopicTable[] }> {
  const failures: Error[] = [];
  const tables = await mapLimit([...new Set(topics)], resources.concurrency, async (name) => {
    const check = checkTopic(name);
    if (!check.ok) return refused(name, '', check.code, check.message);
    try {
      return await provisionTopic(check.topic, resources, deps);
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

async function provisionTopic(topic: TopicName, resources: Resources, deps: Collaborators): Promise<TopicTable> {
  const ownership = await claimTable(deps.documents, resources.registryTable, topic);
  const { tableName } = ownership;
  if (!ownership.owned) {
    return refused(
      topic,
      tableName,
      'TOPIC_COLLISION',
      `the table ${tableName} belongs to the topic ${ownership.owner}; rename this one ('.', '-' and '_' all become '_')`,
    );
  }
  const held = heldBecause(await deps.documents.get(resources.registryTable, { topic_name: topic }), deps.clock.now());
  if (held !== undefined) {
    return { topic_name: topic, table_name: tableName, status: 'HELD', error_code: 'TOPIC_HELD', error_message: held };
  }
  await ensureDefinition(deps, standardizedTable(resources.lake, tableName));
  // A topic that schema-validator has registered keeps its item.
  await deps.documents.update(
    resources.registryTable,
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

/** Why nobody may touch a topic's tables now; undefined where the topic is not held. */
function heldBecause(item: Document | undefined, now: number): string | undefined {
  if (isHeld(item)) {
    const hold = readHold(item);
    const by = hold === undefined ? '' : ` by ${hold.operationId} since ${hold.since}`;
    return `the topic is held${by}: its table is made once it is released`;
  }
  return ddlAtWork(item, now) ? 'a schema upload is altering the tables of the topic' : undefined;
}

function refused(topic: string, tableName: string, code: string, message: string): TopicTable {
  return { topic_name: topic, table_name: tableName, status: 'REFUSED', error_code: code, error_message: message };
}
