/** The one table renderer of all commands: a table as text that fits the terminal. */
import CliTable from 'cli-table3';
import stringWidth from 'string-width';
import { plain } from './text';

/**
 * - `text` is left-aligned, and is shortened where there is not room enough for it.
 * - `number` is right-aligned and always whole.
 * - `count` is a number that may be left out where every row has zero.
 */
export type ColumnKind = 'text' | 'number' | 'count';

export interface Column {
  readonly heading: string;
  /** The heading where there is no room for the whole one. */
  readonly short?: string;
  readonly kind: ColumnKind;
  /** The colour of every value that is neither zero nor empty. */
  readonly alert?: Alert;
}

export type Alert = 'warning' | 'error';

/** null is shown as a dash: there is no such value for this row. A column without any value is not shown at all. */
export type Cell = string | number | null;

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** A last row below a line of its own, for the sums. */
  readonly total?: readonly Cell[];
}

/** What the text is made for. */
export interface Display {
  /** Characters in a line. undefined where nothing limits it, as in a file: the text then fits DEFAULT_COLUMNS. */
  readonly columns: number | undefined;
  readonly colour: boolean;
}

export interface RenderedTable {
  readonly text: string;
  /** True when a value is not shown whole, so that the caller can say how to see it. */
  readonly shortened: boolean;
}

export const DEFAULT_COLUMNS = 100;
/** A text column is made no narrower than this; what does not fit then is stacked. */
const LEAST_TEXT = 12;
const GAP = '  ';
const NOTHING = '–';
const ANSI: Readonly<Record<Alert, number>> = { warning: 33, error: 31 };

/**
 * Renders a table within the width of the display. What does not fit goes in this order: headings take several lines, columns
 * of zeros are left out (a line below the table names them), headings are abbreviated, long texts are cut with an ellipsis,
 * and at last each row becomes a block of `name: value` lines.
 */
export function renderTable(table: Table, display: Display): string {
  return layOutTable(table, display).text;
}

/** As {@link renderTable}; also says whether every value is there whole. */
export function layOutTable(given: Table, display: Display): RenderedTable {
  const table = cleaned(given);
  const width = display.columns ?? DEFAULT_COLUMNS;
  const all = table.columns.map((_, at) => at).filter((at) => !isAllNull(table, at));
  const withCounts = all.filter((at) => !isAllZero(table, at));
  const hidden = all.filter((at) => !withCounts.includes(at));
  const attempts: readonly Attempt[] = [
    { shown: all, heading: ({ heading }) => heading },
    { shown: all, heading: wrapped },
    { shown: withCounts, heading: wrapped },
    { shown: withCounts, heading: (column) => column.short ?? wrapped(column) },
  ];
  for (const { shown, heading } of attempts) {
    const layout = { table, shown, headings: shown.map((at) => heading(columnAt(table, at))), display };
    const widths = naturalWidths(layout);
    if (total(widths) <= width) return { text: draw(layout, widths) + note(table, all, shown), shortened: false };
  }
  const shown = withCounts;
  const headings = shown.map((at) => columnAt(table, at).short ?? wrapped(columnAt(table, at)));
  const layout = { table, shown, headings, display };
  const widths = narrowed(layout, naturalWidths(layout), width);
  if (total(widths) <= width) return { text: draw(layout, widths) + note(table, all, shown), shortened: true };
  const blocks = stack(table, shown, { ...display, columns: width });
  return {
    text: blocks.text + (hidden.length === 0 ? '' : `\n${note(table, all, shown)}`),
    shortened: blocks.shortened,
  };
}

/** Each row as a block of `name: value` lines, with every value whole, however long. */
export function renderBlocks(table: Table, { colour }: Pick<Display, 'colour'>): string {
  const shown = table.columns.map((_, at) => at);
  return stack(cleaned(table), shown, { columns: undefined, colour }).text;
}

interface Attempt {
  readonly shown: readonly number[];
  readonly heading: (column: Column) => string;
}

interface Layout {
  readonly table: Table;
  /** The positions of the columns that are shown. */
  readonly shown: readonly number[];
  /** Their headings, with line breaks. */
  readonly headings: readonly string[];
  readonly display: Display;
}

/** Cells, and the headings of a query, may hold what a producer has sent, which must not steer the terminal. */
function cleaned(table: Table): Table {
  const clean = (row: readonly Cell[]): readonly Cell[] =>
    row.map((cell) => (typeof cell === 'string' ? plain(cell) : cell));
  const columns = table.columns.map((column) => ({ ...column, heading: plain(column.heading) }));
  return { columns, rows: table.rows.map(clean), ...(table.total === undefined ? {} : { total: clean(table.total) }) };
}

function columnAt(table: Table, at: number): Column {
  return table.columns[at] ?? { heading: '', kind: 'text' };
}

function rowsOf({ rows, total: sums }: Table): readonly (readonly Cell[])[] {
  return sums === undefined ? rows : [...rows, sums];
}

function isZero(cell: Cell | undefined): boolean {
  return cell === undefined || cell === null || cell === '' || Number(cell) === 0;
}

function isAllNull(table: Table, at: number): boolean {
  return table.rows.length > 0 && rowsOf(table).every((row) => (row[at] ?? null) === null);
}

function isAllZero(table: Table, at: number): boolean {
  return columnAt(table, at).kind === 'count' && rowsOf(table).every((row) => isZero(row[at]));
}

function textOf(cell: Cell | undefined): string {
  return cell === null || cell === undefined ? NOTHING : String(cell);
}

function wrapped({ heading }: Column): string {
  return heading.replaceAll(' ', '\n');
}

function naturalWidths({ table, shown, headings }: Layout): number[] {
  return shown.map((at, index) =>
    [...(headings[index] ?? '').split('\n'), ...rowsOf(table).map((row) => textOf(row[at]))].reduce(
      (widest, line) => Math.max(widest, stringWidth(line)),
      0,
    ),
  );
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
}

/** The widths with the widest texts made narrower, until the row fits or no text can give more. */
function narrowed({ table, shown, headings }: Layout, natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const least = shown.map((at, index) =>
    columnAt(table, at).kind === 'text'
      ? Math.min(natural[index] ?? 0, Math.max(LEAST_TEXT, stringWidth((headings[index] ?? '').split('\n')[0] ?? '')))
      : (natural[index] ?? 0),
  );
  for (let over = total(widths) - width; over > 0; over -= 1) {
    const spare = widths.map((each, index) => (each > (least[index] ?? 0) ? each : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if ((spare[widest] ?? 0) === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function coloured(text: string, cell: Cell | undefined, { alert }: Column, display: Pick<Display, 'colour'>): string {
  if (!display.colour || alert === undefined || isZero(cell)) return text;
  return `\u001b[${ANSI[alert]}m${text}\u001b[39m`;
}

function draw({ table, shown, headings, display }: Layout, widths: readonly number[]): string {
  const grid = (head: readonly string[]): CliTable.Table =>
    new CliTable({
      ...(head.length === 0
        ? {}
        : { head: head.map((content) => ({ content, vAlign: 'bottom' })) as unknown as string[] }),
      colWidths: [...widths],
      colAligns: shown.map((at) => (columnAt(table, at).kind === 'text' ? 'left' : 'right')),
      chars: BORDERLESS,
      style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    });
  const fill = (into: CliTable.Table, rows: readonly (readonly Cell[])[]): string => {
    for (const row of rows)
      into.push(shown.map((at) => coloured(textOf(row[at]), row[at], columnAt(table, at), display)));
    return into.toString();
  };
  const parts = [fill(grid(headings), table.rows)];
  if (table.total !== undefined) parts.push('─'.repeat(total(widths)), fill(grid([]), [table.total]));
  return `${parts.join('\n')}\n`.replaceAll(/ +$/gm, '');
}

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '─',
  'mid-mid': '─'.repeat(GAP.length),
  right: '',
  'right-mid': '',
  middle: GAP,
};

function stack(
  table: Table,
  shown: readonly number[],
  { columns, colour }: Display,
): { readonly text: string; readonly shortened: boolean } {
  const name = Math.max(0, ...shown.map((at) => stringWidth(columnAt(table, at).heading)));
  const room = columns === undefined ? Infinity : Math.max(LEAST_TEXT, columns - name - ': '.length);
  let shortened = false;
  const line = (row: readonly Cell[], at: number): string => {
    const column = columnAt(table, at);
    const whole = textOf(row[at]);
    const text = cut(whole, room);
    shortened ||= text !== whole;
    const pad = ' '.repeat(name - stringWidth(column.heading));
    return `${`${column.heading}: ${pad}${coloured(text, row[at], column, { colour })}`.trimEnd()}\n`;
  };
  const text = rowsOf(table)
    .map((row) => shown.map((at) => line(row, at)).join(''))
    .join('\n');
  return { text, shortened };
}

/** The text within so many columns of the terminal, with an ellipsis where it was longer. */
function cut(text: string, room: number): string {
  if (stringWidth(text) <= room) return text;
  let kept = '';
  let width = 1;
  for (const character of text) {
    width += stringWidth(character);
    if (width > room) break;
    kept += character;
  }
  return `${kept}…`;
}

function note(table: Table, all: readonly number[], shown: readonly number[]): string {
  const names = all.filter((at) => !shown.includes(at)).map((at) => columnAt(table, at).heading);
  return names.length === 0 ? '' : `Not shown, all zero: ${names.join(', ')}.\n`;
}
