import typeTable from '../../../../../schemas/type-table.json';

/** Envelope columns that every topic table has, in the order they stand in. */
export const ENVELOPE_COLUMNS: readonly string[] = typeTable.envelope_columns;

/** Names that belong to the pipeline in Standardized or Curated: a payload never gets them. */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set(typeTable.reserved_columns);

export const MAX_COLUMNS = typeTable.limits.max_columns;
/** Levels of nesting that are flattened; what lies deeper goes to `rescued_data`. */
export const MAX_DEPTH = typeTable.limits.max_depth;
/** Glue's limit. */
export const MAX_COLUMN_NAME = typeTable.limits.max_column_name;

/**
 * The column a payload path ends in: segments joined with `__`, lower-cased, every character but a-z, 0-9 and _ turned
 * to `_` (one for each code point), `_` before a leading digit, `payload__` before a name that belongs to the pipeline.
 * Two paths may share a column: see {@link collisions}.
 */
export function columnName(path: readonly string[]): string {
  const plain = path
    .join('__')
    .toLowerCase()
    .replace(/[^a-z0-9_]/gu, '_');
  const name = plain === '' ? '_' : /^[0-9]/.test(plain) ? `_${plain}` : plain;
  return RESERVED_COLUMNS.has(name) ? `payload__${name}` : name;
}

/** A path as schemas, rescued_data and drift_log spell it: `meta.gps.lat`, a dot within a name as `\\.`, so that it is unique. */
export function pathText(path: readonly string[]): string {
  return path.map((segment) => segment.replaceAll('\\', '\\\\').replaceAll('.', '\\.')).join('.');
}

/** Columns that more than one of the paths ends in, each with those paths in the order given. */
export function collisions<T extends { readonly path: readonly string[] }>(items: readonly T[]): Map<string, T[]> {
  const byColumn = new Map<string, T[]>();
  for (const item of items) {
    const column = columnName(item.path);
    byColumn.set(column, [...(byColumn.get(column) ?? []), item]);
  }
  return new Map([...byColumn].filter(([, sharing]) => sharing.length > 1));
}
