import { ownershipKey, type DocumentStore } from '@lean-ops/common/aws';
import { tableNameOf, type TopicName } from '@lean-ops/common/core';
import { CliError } from '../errors';

/**
 * Makes sure that the topic's table holds the topic's own rows.
 *
 * @throws CliError when the table belongs to another topic
 */
export async function refuseForeignTable(documents: DocumentStore, registry: string, topic: TopicName): Promise<void> {
  const table = tableNameOf(topic);
  const owner = (await documents.get(registry, ownershipKey(table)))?.['owner'];
  if (typeof owner === 'string' && owner !== topic) {
    throw new CliError(
      `the topic ${topic} cannot have tables: its table ${table} belongs to the topic ${owner} (TOPIC_COLLISION). Rename one of the two.`,
    );
  }
}
