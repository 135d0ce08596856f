import type { Athena } from '../aws/athena';
import type { Catalog } from '../aws/catalog';
import { AthenaStatementError } from '../core/warehouse/athena-failure';
import type { TableColumn } from '../core/warehouse/ddl';

const CREATE = /^CREATE TABLE IF NOT EXISTS `(\w+)`\.`(\w+)` \(\n([^]*?)\n\)\n/;
const ADD = /^ALTER TABLE `(\w+)`\.`(\w+)` ADD COLUMNS \((.*)\)$/;
const CHANGE = /^ALTER TABLE `(\w+)`\.`(\w+)` CHANGE COLUMN `(\w+)` `(\w+)` (\S+)$/;
const INSERT = /^INSERT INTO "(\w+)"\."drift_log"/;
const ROW = /^ {2}\('([0-9a-f]{64})', (.*)\)[,]?$/gm;

function columnsOf(text: string): TableColumn[] {
  return [...text.matchAll(/`(\w+)` (map<string,string>|decimal\(\d+,\d+\)|\w+)/g)].map(([, name = '', type = '']) => ({
    name,
    type,
  }));
}

/**
 * Athena and the Glue catalog in memory, for exactly the statements that `core` writes: DDL makes and changes tables,
 * and an INSERT adds rows to drift_log. Any other statement fails with a syntax error.
 *
 * @param meanwhile is awaited between the moment at which an INSERT reads the table and that at which it commits, as on
 *   Athena other work can come between the two
 */
export function memoryWarehouse(meanwhile: () => Promise<void> = () => Promise.resolve()): Athena &
  Catalog & {
    readonly statements: string[];
    /** Columns by `database.table`. */
    readonly tables: Map<string, TableColumn[]>;
    /** Each row of drift_log as `drift_id|the other literals`. */
    readonly driftRows: string[];
  } {
  const statements: string[] = [];
  const tables = new Map<string, TableColumn[]>();
  const driftRows: string[] = [];
  const shared = new Map<string, Promise<string>>();
  const fail = (code: string, reason: string): never => {
    throw new AthenaStatementError({ disposition: 'statement', code }, reason, 'query-1');
  };
  const tableOf = (database = '', table = ''): TableColumn[] =>
    tables.get(`${database}.${table}`) ?? fail('TABLE_NOT_FOUND', `Table ${database}.${table} not found`);

  async function run(sql: string): Promise<void> {
    const create = CREATE.exec(sql);
    if (create) {
      const name = `${create[1] ?? ''}.${create[2] ?? ''}`;
      if (!tables.has(name)) tables.set(name, columnsOf(create[3] ?? ''));
      return;
    }
    const add = ADD.exec(sql);
    if (add) {
      const columns = tableOf(add[1], add[2]);
      const added = columnsOf(add[3] ?? '');
      const twice = added.find(({ name }) => columns.some((column) => column.name === name));
      if (twice) fail('ALREADY_EXISTS', `Column ${twice.name} already exists`);
      columns.push(...added);
      return;
    }
    const change = CHANGE.exec(sql);
    if (change) {
      const columns = tableOf(change[1], change[2]);
      const index = columns.findIndex(({ name }) => name === change[3]);
      if (index < 0) fail('ATHENA_REFUSED', `Column ${change[3] ?? ''} not found`);
      columns[index] = { name: change[4] ?? '', type: change[5] ?? '' };
      return;
    }
    if (INSERT.test(sql)) {
      const present = new Set(driftRows.map((row) => row.slice(0, 64)));
      const missing = [...sql.matchAll(ROW)].filter(([, id = '']) => !present.has(id));
      await meanwhile();
      for (const [, id = '', values = ''] of missing) driftRows.push(`${id}|${values}`);
      return;
    }
    fail('SYNTAX_ERROR', `mismatched input: ${sql.slice(0, 60)}`);
  }

  return {
    statements,
    tables,
    driftRows,
    async execute(sql, options) {
      await Promise.resolve();
      const before = options?.shared === true ? shared.get(sql) : undefined;
      if (before) return before;
      statements.push(sql);
      const id = `query-${statements.length}`;
      const ended = run(sql).then(() => id);
      if (options?.shared === true) shared.set(sql, ended);
      return ended;
    },
    query: () => Promise.reject(new Error('memoryWarehouse runs no queries')),
    async getTable(database, table) {
      await Promise.resolve();
      const columns = tables.get(`${database}.${table}`);
      return columns && { metadataLocation: undefined, columns: [...columns] };
    },
  };
}
