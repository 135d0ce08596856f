/** Checks the names that could be made of a topic name: keys of the archive, RAW's topics, databases, tables and columns. */
import { GlueClient, paginateGetDatabases, paginateGetTables } from '@aws-sdk/client-glue';
import { isTopicName, UNKNOWN_TOPIC } from '../../packages/common/src/core/topic';
import { databases, output } from '../local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../local/emulator-process';
import { query } from '../local/query';
import type { Stack } from '../local/stack';
import { keysOf } from './find-messages';
import { ILLEGAL_TOPICS } from './messages';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const ARCHIVED = new RegExp(`^dlq/([^/]+)/\\d{4}/\\d{2}/\\d{2}/${UUID}\\.json$`);
const OVERFLOW = new RegExp(`^overflow/${UUID}(?:\\.attributes\\.json)?$`);
/** A key that Firehose makes of the stream's name and the time. */
const STREAM_ERROR = /^firehose-errors(?:\/[a-z0-9-]+)+$/;
const CATALOG_NAME = /^[a-z_][a-z0-9_]*$/;

/** A sentence for each name that an illegal topic may have made; none when the pipeline let none through. */
export async function strayNames(stack: Stack): Promise<string[]> {
  const [keys, topics, catalog] = await Promise.all([
    keysOf(stack, output(stack, 'dlq_archive_bucket')),
    query(stack, `SELECT DISTINCT topic_name FROM "${databases(stack).raw}"."events"`),
    catalogNames(stack),
  ]);
  return [
    ...keys.filter((key) => !isCleanKey(key)).map((key) => `the archive has the key ${key}`),
    ...topics.rows.flat().flatMap((topic) => (isTopicName(topic ?? '') ? [] : [`RAW has the topic ${topic ?? ''}`])),
    ...catalog.filter((name) => !isCleanCatalogName(name)).map((name) => `the catalog has the name ${name}`),
  ];
}

export function isCleanKey(key: string): boolean {
  const topic = ARCHIVED.exec(key)?.[1];
  if (topic === undefined) return OVERFLOW.test(key) || STREAM_ERROR.test(key);
  return topic === UNKNOWN_TOPIC || isTopicName(topic);
}

/** True for a well-formed name. The form is checked because a table's name has other characters in place of a topic's. */
export function isCleanCatalogName(name: string): boolean {
  return CATALOG_NAME.test(name) && !ILLEGAL_TOPICS.includes(name);
}

async function catalogNames(stack: Stack): Promise<string[]> {
  const client = new GlueClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });
  const names: string[] = [];
  for await (const page of paginateGetDatabases({ client }, {})) {
    for (const { Name: database = '' } of page.DatabaseList ?? []) {
      names.push(database);
      for await (const tables of paginateGetTables({ client }, { DatabaseName: database }))
        for (const table of tables.TableList ?? [])
          names.push(table.Name ?? '', ...(table.StorageDescriptor?.Columns ?? []).map((column) => column.Name ?? ''));
    }
  }
  return names;
}
