import { rescuedRowsStatement, type QueriedTable } from '@lean-ops/common/core';
import type { LakeReader } from '../pipeline/athena-queries';

/**
 * Looks whether a Standardized table has anything in rescued_data, which decides on the statements that read it.
 *
 * @param since only rows that were ingested from this time on count; undefined for all rows
 * @throws CliError when Athena refuses
 */
export async function queriedTable(
  table: Omit<QueriedTable, 'rescued'>,
  since: string | undefined,
  query: LakeReader['query'],
): Promise<QueriedTable> {
  const count = rescuedRowsStatement(table, since);
  const rescued = count !== undefined && Number((await query(count)).rows[0]?.[0]) > 0;
  return { ...table, rescued };
}
