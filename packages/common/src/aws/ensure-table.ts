import { AthenaStatementError } from '../core/warehouse/athena-failure';
import type { TableDefinition } from '../core/warehouse/ddl';
import { planTable, type ColumnConflict } from '../core/warehouse/table-plan';
import type { Athena } from './athena';
import type { Catalog } from './catalog';

/** The outcome of ensureTable: done with so many statements, or impossible for these columns. */
export type EnsuredTable =
  | { readonly ok: true; readonly created: boolean; readonly statements: number }
  | { readonly ok: false; readonly conflicts: readonly ColumnConflict[] };

/**
 * Brings a table's columns to its definition; one that exists keeps its partitioning and properties. It is safe to
 * repeat, and for several callers at once: when a statement fails because another caller did the same work meanwhile,
 * the next plan has nothing left to do.
 *
 * @param renames whether columns get their new names. Before a schema is active they must not: readers of the table and
 *   the jobs go by the one in force.
 * @throws AthenaStatementError when a statement fails and its work is still to be done
 * @throws TypeError when the catalog does not show the effect of the statements
 */
export async function ensureTable(
  athena: Athena,
  catalog: Catalog,
  definition: TableDefinition,
  { renames = true }: { readonly renames?: boolean } = {},
): Promise<EnsuredTable> {
  const { database, table } = definition;
  let created = false;
  let statements = 0;
  let failed: { readonly sql: string; readonly error: AthenaStatementError } | undefined;
  for (;;) {
    const { steps, conflicts } = planTable((await catalog.getTable(database, table))?.columns, definition);
    if (conflicts.length > 0) return { ok: false, conflicts };
    const step = steps.find(({ kind }) => renames || kind !== 'rename');
    if (step === undefined) return { ok: true, created, statements };
    // The same statement failed and is still what is missing: it was no race.
    if (failed?.sql === step.sql) throw failed.error;
    try {
      await athena.execute(step.sql);
      created ||= step.kind === 'create';
      statements += 1;
      if (statements > definition.columns.length + 1) {
        throw new TypeError(`${database}.${table}: the catalog does not show what the statements did`);
      }
    } catch (error) {
      if (!(error instanceof AthenaStatementError) || error.disposition !== 'statement') throw error;
      failed = { sql: step.sql, error };
    }
  }
}
