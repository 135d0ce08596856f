import { addColumns, changeColumn, createTable, type TableColumn, type TableDefinition } from './ddl';
import { isPromotion } from '../schema/type-promotion';

export type { TableColumn } from './ddl';

export type TableStep =
  | { readonly kind: 'create'; readonly sql: string }
  | { readonly kind: 'add'; readonly columns: readonly TableColumn[]; readonly sql: string }
  | { readonly kind: 'promote'; readonly column: TableColumn; readonly sql: string };

/** A column that the table has in a type from which no promotion leads to the wanted one. */
export interface ColumnConflict {
  readonly column: string;
  readonly tableType: string;
  readonly wantedType: string;
}

export interface TablePlan {
  readonly steps: readonly TableStep[];
  readonly conflicts: readonly ColumnConflict[];
}

/**
 * What brings a table as it is to its definition: nothing when it fits already, so that a run that died half-way simply
 * goes on. Compares with the table, not with an earlier schema. A column that is wider than wanted is fine (every wanted
 * value fits); one that the definition lacks stays. Partitioning and properties are not looked at: a table keeps those
 * it was made with, as no statement of Athena changes its partitioning.
 *
 * @param existing the table's columns; undefined when there is no table
 */
export function planTable(existing: readonly TableColumn[] | undefined, definition: TableDefinition): TablePlan {
  if (existing === undefined) return { steps: [{ kind: 'create', sql: createTable(definition) }], conflicts: [] };
  const types = new Map(existing.map(({ name, type }) => [name, type]));
  const missing = definition.columns.filter(({ name }) => !types.has(name));
  const steps: TableStep[] =
    missing.length > 0 ? [{ kind: 'add', columns: missing, sql: addColumns(definition, missing) }] : [];
  const conflicts: ColumnConflict[] = [];
  for (const column of definition.columns) {
    const type = types.get(column.name);
    if (type === undefined || type === column.type || isPromotion(column.type, type)) continue;
    if (isPromotion(type, column.type)) {
      steps.push({ kind: 'promote', column, sql: changeColumn(definition, column) });
    } else {
      conflicts.push({ column: column.name, tableType: type, wantedType: column.type });
    }
  }
  return { steps, conflicts };
}
