import { ownershipKey, type DocumentStore } from '@lean-ops/common/aws';
import { tableNameOf, type TopicName } from '@lean-ops/common/core';
import { UsageError } from '../terminal';

/** @throws UsageError when the topic's table is another topic's: its rows would say nothing of this one */
export async function refuseForeignTable(documents: DocumentStore, registry: string, topic: TopicName): Promise<void> {
  const table = tableNameOf(topic);
  const owner = (await documents.get(registry, ownershipKey(table)))?.['owner'];
  if (typeof owner === 'string' && owner !== topic) {
    throw new UsageError(
      `${topic} has no tables, and gets none: the table ${table} belongs to the topic ${owner} (TOPIC_COLLISION). Rename one of the two.`,
    );
  }
}
