import { CHANGE_KINDS } from './change';
import { schemaChanges } from './schema-changes';
import { checkSchema, type SchemaCheck, type SchemaCheckOptions } from '../composition/check';
import type { TopicSchema } from '../schema/model';

/**
 * Checks the text of a schema that may follow the active one. A file that states no version gets the active one, and the next where
 * it changes more than words for the reader.
 */
export function checkSuccessor(
  text: string,
  options: Omit<SchemaCheckOptions, 'version'>,
  active: TopicSchema | undefined,
): SchemaCheck {
  const check = checkSchema(text, { ...options, version: active?.version ?? 1 });
  if (!check.ok || active === undefined || check.statesVersion) return check;
  const changes = schemaChanges(active, check.schema);
  return changes.every(({ kind }) => kind === CHANGE_KINDS.annotationChanged)
    ? check
    : checkSchema(text, { ...options, version: active.version + 1 });
}
