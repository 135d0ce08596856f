/** The histories of a topic's tables, by their entries in the catalog and their metadata files: no query runs. */
import { readHistory } from '@lean-ops/common/aws';
import {
  databaseOf,
  messageOf,
  tableNameOf,
  type TableHistory,
  type TopicHistories,
  type TopicLayer,
  type TopicName,
} from '@lean-ops/common/core';
import { CliError } from '../errors';
import { lakeReader } from '../pipeline/athena-queries';
import type { OperationsDeployment } from '../pipeline/deployment';
import { oneLine } from '../pipeline/explain-aws-errors';
import type { Operator } from '../pipeline/operator';
import type { ShowMoves, TopicToMove } from './moves';
import { readRetaken } from './retaken';
import type { TopicSituation } from './situation';
import { TOPIC_LAYERS } from './table-sizes';

/**
 * Reads the histories of the tables that a topic has.
 *
 * @param given the name of its tables as the registry has it
 * @throws CliError where a table's metadata cannot be read
 */
export async function readHistories(
  topic: TopicName,
  given: unknown,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<TopicHistories> {
  const reader = lakeReader(operator, deployment);
  const table = typeof given === 'string' ? given : tableNameOf(topic);
  const found = await Promise.all(
    TOPIC_LAYERS.map(async (layer): Promise<[TopicLayer, TableHistory][]> => {
      const database = databaseOf(deployment.lake, layer);
      const location = (await reader.getTable(database, table))?.metadataLocation;
      if (location === undefined) return [];
      try {
        const history = await readHistory(operator.objects, location);
        if (history !== undefined) return [[layer, history]];
      } catch (error) {
        const why = oneLine(messageOf(error));
        throw new CliError(`the metadata of ${database}.${table} cannot be read: ${why}`, { cause: error });
      }
      throw new CliError(`the metadata of ${database}.${table} is gone: nothing lies at ${location}`);
    }),
  );
  return Object.fromEntries(found.flat());
}

/** Reads what the plan of a rewind or an undo is made from; what the next cycle takes again is read by queries, when it is asked for. */
export async function readTopicToMove(
  situation: TopicSituation,
  deployment: OperationsDeployment,
  operator: Operator,
  show: ShowMoves,
): Promise<TopicToMove> {
  const { topic, item } = situation;
  return {
    situation,
    histories: await readHistories(topic, item?.['table_name'], deployment, operator),
    readRetaken: (after) => readRetaken(topic, after, deployment, operator),
    keptDays: deployment.cycleDeltaKeptDays,
    show,
  };
}
