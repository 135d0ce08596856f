import type { Command } from 'commander';
import { layOutTable, renderBlocks, type ColumnKind, type Table } from '../../../packages/cli/src/format/table';
import { counted } from '../../../packages/cli/src/format/text';
import { query, type QueryResult } from '../query';
import { requireStack } from '../stack';
import { display } from './program';

const NUMERIC: ReadonlySet<string> = new Set([
  'tinyint',
  'smallint',
  'integer',
  'bigint',
  'float',
  'real',
  'double',
  'decimal',
]);

interface Options {
  readonly json?: boolean;
  readonly expand?: boolean;
}

export function registerQuery(program: Command): void {
  program
    .command('query')
    .description('run SQL through the Athena API')
    .argument('<sql>', 'one statement; tables are named database.table')
    .option('--expand', 'print each row as a block, with every value whole')
    .option('--json', 'print one JSON array of objects')
    .action(async (sql: string, options: Options) => {
      const result = await query(requireStack(), sql);
      if (options.json === true) console.log(JSON.stringify(objectsOf(result)));
      else console.log(renderResult(result, options.expand === true));
    });
}

function objectsOf({ columns, rows }: QueryResult): Record<string, string | null>[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at] ?? null])));
}

function renderResult({ columns, types, rows }: QueryResult, expand: boolean): string {
  const number = counted(rows.length, 'row');
  if (columns.length === 0) return number;
  const table: Table = {
    columns: columns.map((heading, at) => ({ heading, kind: kindOf(types[at] ?? '') })),
    rows: rows.map((row) => columns.map((_, at) => row[at] ?? 'NULL')),
  };
  if (expand) return `${renderBlocks(table, display())}\n${number}`;
  const { text, shortened } = layOutTable(table, display());
  return `${text}\n${number}${shortened ? '; some values are shortened: --expand or --json prints them whole' : ''}`;
}

function kindOf(type: string): ColumnKind {
  return NUMERIC.has(type.replace(/\(.*/, '').toLowerCase()) ? 'number' : 'text';
}
