/** Shows one cycle's rows of the ops ledger, by topic. */
import Table from 'cli-table3';
import { databases } from './clients';
import { queryObjects } from './query';
import type { Stack } from './stack';

const COUNTS = [
  'records_in',
  'duplicates',
  'superseded',
  'written',
  'parse_errors',
  'rejected',
  'nulled',
  'rescued',
  'new_columns',
] as const;

export async function ledgerTable(stack: Stack, cycleId: string): Promise<string> {
  const rows = await queryObjects(
    stack,
    `SELECT topic_name, layer, ${COUNTS.join(', ')}, status FROM "${databases(stack).ops}"."ledger" ` +
      `WHERE cycle_id = '${cycleId.replaceAll("'", "''")}' ORDER BY layer DESC, topic_name`,
  );
  const table = new Table({ head: ['topic', 'layer', ...COUNTS, 'status'], style: { head: [], border: [] } });
  for (const row of rows)
    table.push([
      row['topic_name'] ?? '',
      row['layer'] ?? '',
      ...COUNTS.map((name) => row[name] ?? '0'),
      row['status'] ?? '',
    ]);
  return table.toString();
}
