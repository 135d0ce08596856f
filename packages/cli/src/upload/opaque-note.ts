import {
  CHANGE_KINDS,
  columnName,
  LAYERS,
  databaseOf,
  memberPrefix,
  tableNameOf,
  type Lake,
  type TopicName,
} from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import type { MergePreview } from '../schemas/merge-preview';

/** How many columns a note names. */
const MAX_NAMED = 5;

/**
 * What people are told once a version is active that keeps objects as sent which cycles have taken in columns before: how the texts of
 * older rows come back. Nothing where no payload had such an object, or where the table cannot be looked at.
 */
export async function opaqueNote(
  topic: TopicName,
  preview: MergePreview,
  lake: Lake,
  { catalog }: Pick<Cloud, 'catalog'>,
): Promise<string[]> {
  const paths = newlyOpaque(preview);
  if (paths.length === 0) return [];
  const columns = await standardizedColumns(topic, lake, catalog);
  const found = paths.filter((path) => columns.some((name) => name.startsWith(memberPrefix(path)))).map(columnName);
  if (found.length === 0) return [];
  const named = found.slice(0, MAX_NAMED).join(', ');
  const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : '';
  return [
    `older rows have the objects of ${named}${more} in columns, not as they were sent: ` +
      `lean-ops topic rebuild ${topic} --from raw brings them back`,
  ];
}

function newlyOpaque(preview: MergePreview): readonly (readonly string[])[] {
  if (preview.status === 'added') return preview.schema.opaquePaths;
  if (preview.status !== 'changed') return [];
  const columns = preview.changes
    .filter(({ kind, impact }) => kind === CHANGE_KINDS.flatteningChanged && impact === 'compatible')
    .map(({ column }) => column);
  return preview.schema.opaquePaths.filter((path) => columns.includes(columnName(path)));
}

async function standardizedColumns(topic: TopicName, lake: Lake, catalog: Cloud['catalog']): Promise<string[]> {
  try {
    const table = await catalog.getTable(databaseOf(lake, LAYERS.standardized), tableNameOf(topic));
    return table?.columns.map(({ name }) => name) ?? [];
  } catch {
    // The verdict is there, and who may push schemas need not be allowed to look at tables.
    return [];
  }
}
