import { absent, any, equals } from '../core/condition';
import { tableNameOf, type TopicName } from '../core/topic';
import type { DocumentStore } from './documents';

/** Whether a topic owns its table, and which topic does otherwise. */
export type Ownership =
  | { readonly owned: true; readonly tableName: string }
  | { readonly owned: false; readonly tableName: string; readonly owner: string };

/** The key of the item that names a table's owner. No topic has a `#`, so it is no topic's key. */
export function ownershipKey(tableName: string): { readonly topic_name: string } {
  return { topic_name: `table#${tableName}` };
}

/**
 * Makes a topic the owner of its table, or finds that another topic is: `a.b` and `a-b` share a table name, and the
 * first to register keeps it. It is safe to repeat, and for any number of callers at once. `claim_table` in
 * scripts/glue/lean_ops/ports/aws.py writes the same item.
 */
export async function claimTable(documents: DocumentStore, registry: string, topic: TopicName): Promise<Ownership> {
  const tableName = tableNameOf(topic);
  const key = ownershipKey(tableName);
  const owned = await documents.put(
    registry,
    { ...key, owner: topic, table_name: tableName },
    any(absent('topic_name'), equals('owner', topic)),
  );
  if (owned) return { owned, tableName };
  const item = await documents.get(registry, key);
  const owner = item?.['owner'];
  return { owned, tableName, owner: typeof owner === 'string' ? owner : 'another topic' };
}
