/**
 * What the registry says of a schema's opaque paths, so that a cycle knows them when it takes RAW. The twin, which reads it, is
 * scripts/glue/lean_ops/bookkeeping/opaque_columns.py; tests/conformance/opaque_columns.json holds both to the same.
 */
import { columnName } from './columns';
import type { TopicSchema } from './model';

/** Bytes of the columns' names that an item of DynamoDB has room for, of its 400 KB, beside all else in it. */
export const MAX_OPAQUE_BYTES = 100_000;

/** Stands there instead of a list that is too long: then the job reads the active schema. */
export const OPAQUE_IN_SCHEMA = 'IN_SCHEMA';

/**
 * The columns of Standardized in which objects and arrays are kept as the JSON text that was sent, sorted. They are columns and not
 * paths because a field takes the values of whatever path ends in its column, however the payload spells it.
 */
export function opaqueColumns({ opaquePaths }: Pick<TopicSchema, 'opaquePaths'>): string[] {
  return [...new Set(opaquePaths.map(columnName))].sort();
}

/** The attribute `opaque_columns` of the topic's item; undefined for a schema that has none, and then the item has none either. */
export function opaqueAttribute(schema: Pick<TopicSchema, 'opaquePaths'>): readonly string[] | string | undefined {
  const columns = opaqueColumns(schema);
  if (columns.length === 0) return undefined;
  const bytes = columns.reduce((sum, column) => sum + column.length, 0);
  return bytes > MAX_OPAQUE_BYTES ? OPAQUE_IN_SCHEMA : columns;
}
