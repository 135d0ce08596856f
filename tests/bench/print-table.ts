import { renderTable, type Cell, type ColumnKind } from '../../packages/cli/src/format/table';
import { display } from '../../scripts/local/commands/program';

/** Prints a table of measurements: columns of text, then columns of numbers. */
export function printTable(
  texts: readonly string[],
  numbers: readonly string[],
  rows: readonly (readonly Cell[])[],
): void {
  const column = (kind: ColumnKind) => (heading: string) => ({ heading, kind });
  const columns = [...texts.map(column('text')), ...numbers.map(column('number'))];
  console.log(renderTable({ columns, rows }, display()).trimEnd());
}
