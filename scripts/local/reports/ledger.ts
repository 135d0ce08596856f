/** Shows one cycle's rows of the ledger, by layer and topic. */
import { COUNT_COLUMNS as OF } from '../../../packages/cli/src/format/count-columns';
import { renderTable, type Cell, type Column, type Display } from '../../../packages/cli/src/format/table';
import { counted, plain } from '../../../packages/cli/src/format/text';
import { databases } from '../clients';
import { queryObjects } from '../query';
import type { Stack } from '../stack';

export type LedgerRow = Readonly<Record<string, string | null>>;

/** The counts of a layer, each with its column of the ledger. docs/data-contracts.md, ledger. */
const LAYERS: readonly { layer: string; title: string; counts: readonly (readonly [string, Column])[] }[] = [
  {
    layer: 'standardized',
    title: 'RAW to Standardized',
    counts: [
      ['records_in', OF.raw],
      ['written', OF.standardized],
      ['duplicates', OF.duplicates],
      ['superseded', OF.superseded],
      ['parse_errors', OF.parseErrors],
      ['rescued', OF.rescued],
      ['new_columns', OF.newColumns],
    ],
  },
  {
    layer: 'curated',
    title: 'Standardized to Curated',
    counts: [
      ['records_in', OF.validated],
      ['written', OF.curated],
      ['duplicates', OF.duplicates],
      ['superseded', OF.superseded],
      ['rejected', OF.rejected],
      ['nulled', OF.nulled],
      ['noted', OF.noted],
    ],
  },
];

export async function readLedger(stack: Stack, cycleId: string): Promise<readonly LedgerRow[]> {
  const columns = [...new Set(LAYERS.flatMap(({ counts }) => counts.map(([name]) => name)))];
  return queryObjects(
    stack,
    `SELECT topic_name, layer, ${columns.join(', ')}, status, error FROM "${databases(stack).ops}"."ledger" ` +
      `WHERE cycle_id = '${cycleId.replaceAll("'", "''")}' ORDER BY topic_name`,
  );
}

export function renderLedger(rows: readonly LedgerRow[], display: Display): string {
  return LAYERS.flatMap(({ layer, title, counts }) => {
    const of = rows.filter((row) => row['layer'] === layer);
    if (of.length === 0) return [];
    const columns = [OF.topic, ...counts.map(([, column]) => column)];
    const cells = of.map((row): readonly Cell[] => [
      row['topic_name'] ?? '',
      ...counts.map(([name]) => Number(row[name] ?? 0)),
    ]);
    return [`${title}\n\n${renderTable({ columns, rows: cells }, display)}`];
  }).join('\n');
}

/** A line for each topic that failed or does not balance, with the whole reason; none when all went well. */
export function failuresOf(rows: readonly LedgerRow[]): readonly string[] {
  return rows.flatMap(({ topic_name: topic = null, layer = null, status = null, error = null }) =>
    status === null || status === 'SUCCEEDED'
      ? []
      : [`${topic ?? ''} (${layer ?? ''}): ${status}${error === null ? '' : `: ${plain(error)}`}`],
  );
}

/** A sentence when messages reached RAW and none of them became a row of Standardized; none otherwise. */
export function parseErrorsOnly(rows: readonly LedgerRow[]): readonly string[] {
  const sum = (column: string): number =>
    rows.filter(({ layer }) => layer === 'standardized').reduce((total, row) => total + Number(row[column] ?? 0), 0);
  const errors = sum('parse_errors');
  // A duplicate, or a superseded version, has its row already.
  if (errors === 0 || sum('written') + sum('duplicates') + sum('superseded') > 0) return [];
  return [`No message became a row of Standardized: ${counted(errors, 'message')} could not be parsed.`];
}
