import { shown } from '../problem';
import { pathText } from '../schema/columns';
import { inferField } from './column-type';
import type { ColumnCounts, KindCount, ValueKind } from './profile-statements';

/** A column that became text although most of its values have one form that is narrower. */
export interface OddColumn {
  readonly column: string;
  /** What most values are, in words: `numbers`. */
  readonly most: string;
  /** The words of a field that would take those: `"type": "number"`. */
  readonly field: string;
  readonly fitting: number;
  readonly rows: number;
  /** The forms of the other values. */
  readonly odd: readonly ValueKind[];
}

/** A value that does not fit, and how many rows have it. */
export interface OddValue {
  readonly column: string;
  readonly value: string;
  readonly rows: number;
}

/** Odd values that are listed for a column. */
export const MAX_ODD_VALUES = 5;
/** Columns whose odd values are looked up, so that their statement stays short. */
const MAX_ODD_COLUMNS = 25;

const FAMILIES: readonly { readonly most: string; readonly field: string; readonly has: RegExp }[] = [
  { most: 'whole numbers', field: '"type": "integer"', has: /^(?:int|bigint)$/ },
  { most: 'numbers', field: '"type": "number"', has: /^(?:int|bigint|number|fixed:.*)$/ },
  { most: 'times', field: '"format": "date-time"', has: /^date-time$/ },
  { most: 'dates', field: '"format": "date"', has: /^date$/ },
  { most: 'true or false', field: '"type": "boolean"', has: /^boolean$/ },
  { most: 'lists', field: '"type": "array"', has: /^array$/ },
];

/** The columns of which more than half of the values would fit a narrower type than text, which the others prevent. */
export function oddColumns({ kinds }: ColumnCounts): OddColumn[] {
  const byColumn = new Map<string, KindCount[]>();
  for (const one of kinds) byColumn.set(one.column, [...(byColumn.get(one.column) ?? []), one]);
  return [...byColumn].flatMap(([column, counts]) => oddColumn(column, counts) ?? []).slice(0, MAX_ODD_COLUMNS);
}

function oddColumn(column: string, counts: readonly KindCount[]): OddColumn | undefined {
  const field = inferField(counts);
  if (field?.['type'] !== 'string' || 'format' in field) return undefined;
  const rows = sum(counts);
  const fits = FAMILIES.map((family) => ({ family, fitting: sum(counts.filter(({ kind }) => family.has.test(kind))) }));
  // Of whole numbers and numbers the first counts where it takes as many.
  const best = fits.reduce((one, other) => (other.fitting > one.fitting ? other : one));
  if (best.fitting * 2 <= rows) return undefined;
  const odd = counts.map(({ kind }) => kind).filter((kind) => !best.family.has.test(kind));
  return { column, most: best.family.most, field: best.family.field, fitting: best.fitting, rows, odd };
}

function sum(counts: readonly KindCount[]): number {
  return counts.reduce((total, { rows }) => total + rows, 0);
}

/**
 * A sentence for each column: which values made it text.
 *
 * @param paths the paths of the columns of which something says it, by which the draft names its fields
 */
export function oddValueNotes(
  columns: readonly OddColumn[],
  values: readonly OddValue[],
  paths: ReadonlyMap<string, readonly string[]>,
): string[] {
  return columns.map(({ column, most, field, fitting, rows }) => {
    const listed = values
      .filter((one) => one.column === column)
      .sort((one, other) => other.rows - one.rows || (one.value < other.value ? -1 : 1))
      .slice(0, MAX_ODD_VALUES);
    const rest = rows - fitting - listed.reduce((total, one) => total + one.rows, 0);
    const texts = listed.map(({ value, rows: count }) => `${shown(value)}${count === 1 ? '' : ` (${count} times)`}`);
    const others = [...texts, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
    const path = paths.get(column);
    const name = path === undefined ? column : pathText(path);
    return `${name} is text: ${fitting} of ${rows} values are ${most}; the others: ${others}. With ${field} the others become NULL`;
  });
}
