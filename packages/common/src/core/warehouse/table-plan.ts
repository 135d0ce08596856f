import { addColumns, changeColumn, createTable, type TableColumn, type TableDefinition } from './ddl';
import { isPromotion } from '../schema/type-promotion';

export type { TableColumn } from './ddl';

/** One statement of a plan. */
export type TableStep =
  | { readonly kind: 'create'; readonly sql: string }
  | { readonly kind: 'add'; readonly columns: readonly TableColumn[]; readonly sql: string }
  | { readonly kind: 'promote'; readonly column: TableColumn; readonly sql: string }
  /** `from` is the column as the table has it, and `column` what becomes of it. */
  | { readonly kind: 'rename'; readonly from: TableColumn; readonly column: TableColumn; readonly sql: string };

/** A column whose type in the table cannot be promoted to the wanted one. */
export interface ColumnConflict {
  readonly column: string;
  readonly tableType: string;
  readonly wantedType: string;
}

/** The statements that bring a table to its definition, and the columns that no statement can bring there. */
export interface TablePlan {
  readonly steps: readonly TableStep[];
  readonly conflicts: readonly ColumnConflict[];
}

/**
 * Plans the statements that bring a table to its definition; none when it fits already. It compares with the table and
 * not with an earlier schema, so that a run that died half-way simply goes on. A column that is wider than wanted is
 * fine, as every wanted value fits, and one that the definition lacks stays. A column that is missing and is there
 * under a former name gets its new one; where the table has both, both stay. A table keeps the partitioning and
 * properties it was made with, as no statement of Athena changes its partitioning.
 *
 * @param existing the table's columns; undefined when there is no table
 */
export function planTable(existing: readonly TableColumn[] | undefined, definition: TableDefinition): TablePlan {
  if (existing === undefined) return { steps: [{ kind: 'create', sql: createTable(definition) }], conflicts: [] };
  const types = new Map(existing.map(({ name, type }) => [name, type]));
  const formerName = ({ name }: TableColumn) =>
    types.has(name) ? undefined : definition.formerNames?.get(name)?.find((former) => types.has(former));
  const missing = definition.columns.filter((column) => !types.has(column.name) && formerName(column) === undefined);
  const steps: TableStep[] =
    missing.length > 0 ? [{ kind: 'add', columns: missing, sql: addColumns(definition, missing) }] : [];
  const conflicts: ColumnConflict[] = [];
  for (const column of definition.columns) {
    const former = formerName(column);
    if (former !== undefined) {
      const from = { name: former, type: types.get(former) ?? '' };
      const fits = from.type === column.type || isPromotion(column.type, from.type);
      if (fits || isPromotion(from.type, column.type)) {
        const to = { name: column.name, type: fits ? from.type : column.type };
        steps.push({ kind: 'rename', from, column: to, sql: changeColumn(definition, to, former) });
      } else {
        conflicts.push({ column: former, tableType: from.type, wantedType: column.type });
      }
      continue;
    }
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
