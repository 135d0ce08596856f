/** How much the tables of topics hold, by their entries in the catalog and their metadata files: no query runs. */
import { ownershipKey, readSize } from '@lean-ops/common/aws';
import {
  databaseOf,
  isTopicName,
  LAYERS,
  mapLimit,
  messageOf,
  tableNameOf,
  type Document,
  type TableSize,
  type TopicName,
} from '@lean-ops/common/core';
import { lakeReader } from '../pipeline/athena-queries';
import { oneLine } from '../pipeline/explain-aws-errors';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';

export const TOPIC_LAYERS = [LAYERS.standardized, LAYERS.curated] as const;

/** A table of a topic. */
export interface SizedTable {
  readonly layer: (typeof TOPIC_LAYERS)[number];
  /** Undefined where its metadata cannot be read, for the reason in `problem`. */
  readonly size: TableSize | undefined;
  readonly problem?: string;
}

async function sizedTable(
  objects: Operator['objects'],
  layer: SizedTable['layer'],
  location: string,
): Promise<SizedTable> {
  try {
    const size = await readSize(objects, location);
    return { layer, size, ...(size === undefined && { problem: `nothing lies at ${location}` }) };
  } catch (error) {
    // The job that compacts reads the table itself, so this stops nobody.
    return { layer, size: undefined, problem: oneLine(messageOf(error)) };
  }
}

/**
 * The tables that a topic has: two requests for entries of the catalog, and one for each table's metadata.
 *
 * @param given the name of its tables as the registry has it
 */
export async function readTableSizes(
  topic: TopicName,
  given: unknown,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<SizedTable[]> {
  const reader = lakeReader(operator, deployment);
  const tableName = typeof given === 'string' ? given : tableNameOf(topic);
  const tables = await Promise.all(
    TOPIC_LAYERS.map(async (layer) => {
      const location = (await reader.getTable(databaseOf(deployment.lake, layer), tableName))?.metadataLocation;
      return location === undefined ? undefined : sizedTable(operator.objects, layer, location);
    }),
  );
  return tables.filter((table) => table !== undefined);
}

/** How many metadata files are read at once. */
const AT_ONCE = 16;

/**
 * The tables of every topic that has any: a listing of each database, and a request for each table's metadata. A
 * table whose metadata cannot be read has no size, and stops no other.
 *
 * @param registry the items of the registry
 */
export async function readAllTableSizes(
  registry: readonly Document[],
  { lake }: OperationsDeployment,
  { objects, tables }: Pick<Operator, 'objects' | 'tables'>,
): Promise<Map<TopicName, SizedTable[]>> {
  const listings = await Promise.all(
    TOPIC_LAYERS.map(async (layer) => ({ layer, locations: await tables.metadataLocations(databaseOf(lake, layer)) })),
  );
  const owners = new Map(registry.map(({ topic_name: key, owner }) => [key, owner]));
  const wanted = registry.flatMap(({ topic_name: topic, table_name: given }) => {
    if (typeof topic !== 'string' || !isTopicName(topic)) return [];
    const table = typeof given === 'string' ? given : tableNameOf(topic);
    // Of two topics with the same name of a table, the table belongs to the first.
    if ((owners.get(ownershipKey(table).topic_name) ?? topic) !== topic) return [];
    return listings.flatMap(({ layer, locations }) => {
      const location = locations.get(table);
      return location === undefined ? [] : [{ topic, layer, location }];
    });
  });
  const found = new Map<TopicName, SizedTable[]>();
  const sized = await mapLimit(wanted, AT_ONCE, async ({ topic, layer, location }) => ({
    topic,
    table: await sizedTable(objects, layer, location),
  }));
  for (const { topic, table } of sized) found.set(topic, [...(found.get(topic) ?? []), table]);
  return found;
}
