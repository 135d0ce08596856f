import { isTopicName, type Document, type TopicName } from '@lean-ops/common/core';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { listTopics, NO_FILES } from '../pipeline/list-topics';
import { SCHEMA_STATES, schemaState, worstFirst, type SchemaState } from './schema-state';

type Services = Pick<Cloud, 'objects' | 'documents' | 'clock'>;

/**
 * The states of all schemas, what is wrong first: of topics that have a schema, or an upload of one. It takes one listing of
 * the schema bucket and one scan of the registry, whatever the number of topics.
 */
export async function readSchemaStates(
  { schemaBucket, registryTable }: Deployment,
  { objects, documents, clock }: Services,
): Promise<SchemaState[]> {
  const [files, items] = await Promise.all([listTopics(objects, schemaBucket), documents.scan(registryTable)]);
  const byTopic = new Map<TopicName, Document>();
  for (const item of items) {
    const name = item['topic_name'];
    // An item `table#…` says who owns a table.
    if (typeof name === 'string' && isTopicName(name)) byTopic.set(name, item);
  }
  return [...new Set([...files.keys(), ...byTopic.keys()])]
    .map((topic) => schemaState(topic, byTopic.get(topic), files.get(topic) ?? NO_FILES, clock.now()))
    .filter(({ state }) => state !== SCHEMA_STATES.none)
    .sort(worstFirst);
}

/** The state of one topic's schema. */
export async function readSchemaState(
  topic: TopicName,
  { schemaBucket, registryTable }: Deployment,
  { objects, documents, clock }: Services,
): Promise<SchemaState> {
  const [files, item] = await Promise.all([
    listTopics(objects, schemaBucket, topic),
    documents.get(registryTable, { topic_name: topic }),
  ]);
  return schemaState(topic, item, files.get(topic) ?? NO_FILES, clock.now());
}
