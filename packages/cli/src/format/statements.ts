import { counted } from './text';

/** How a report shows the statements that a merge runs. */
export interface StatementOptions {
  /** Print every statement whole (`--sql`). */
  readonly sql: boolean;
}

/** CREATE TABLE as createTable of common/core writes it: a line for each column between the parentheses. */
const CREATE_TABLE = /^CREATE TABLE IF NOT EXISTS (\S+) \(\n(.+?)\n\)/s;

/** A statement, ended by a semicolon. CREATE TABLE is longer than a screen, so only its table and columns are named. */
function shortStatement(sql: string): string {
  const [, table, columns] = CREATE_TABLE.exec(sql) ?? [];
  if (table === undefined || columns === undefined) return `${sql};`;
  return `CREATE TABLE ${table} … (${counted(columns.split('\n').length, 'column')})`;
}

/**
 * The sentence on the statements that a merge runs, and the statements themselves.
 *
 * @param note follows the number of statements
 */
export function showStatements(
  statements: readonly string[],
  { sql: whole }: StatementOptions,
  note = '',
): { readonly sentence: string; readonly statements: readonly string[] } {
  if (statements.length === 0) return { sentence: 'The merge changes no table.', statements: [] };
  const long = statements.map((sql) => `${sql};`);
  const shown = whole ? long : statements.map(shortStatement);
  const more = shown.some((text, index) => text !== long[index]) ? ', whole with --sql' : '';
  return { sentence: `The merge runs ${counted(statements.length, 'statement')}${note}${more}:`, statements: shown };
}
