import { GetTableCommand, GlueClient, UpdateTableCommand, type Table } from '@aws-sdk/client-glue';
import { expect, it } from '@jest/globals';
import { databases } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { cycle, freshTopic, rows, send, tableOf, theStack } from '../stack';

const stack = theStack();
const glue = new GlueClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });

async function tableIn(database: string, name: string): Promise<Table> {
  const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: name }));
  if (Table === undefined) throw new Error(`${database}.${name} is not there`);
  return Table;
}

/** Moves a table back as whoever restores it from an earlier version of its catalog entry. */
async function restore(database: string, earlier: Table): Promise<void> {
  const { Name, TableType, Parameters, StorageDescriptor } = earlier;
  await glue.send(
    new UpdateTableCommand({ DatabaseName: database, TableInput: { Name, TableType, Parameters, StorageDescriptor } }),
  );
}

it('takes a table on from where somebody has moved it back, also without new rows, and tells it once', async () => {
  const { standardized } = databases(stack);
  const topic = freshTopic('moved');
  const table = tableOf(topic);
  const message = (n: number): string => JSON.stringify({ topic_name: topic, payload: { n } });
  await send(stack, message(1));
  await cycle(stack);
  const earlier = await tableIn(standardized, table);
  await send(stack, message(2));
  await cycle(stack);
  await restore(standardized, earlier);
  const values = `SELECT n FROM {standardized}."${table}" ORDER BY n`;
  expect(await rows(stack, values)).toEqual([{ n: '1' }]);

  const told = `SELECT layer, old_value > new_value AS is_back, source FROM {ops}."drift_log"
    WHERE topic_name = '${topic}' AND change_type = 'TABLE_ROLLED_BACK'`;
  for (const other of ['first', 'second']) {
    // A cycle runs when there is something new of any topic.
    await send(stack, JSON.stringify({ topic_name: freshTopic(other), payload: { n: 0 } }));
    await cycle(stack);
    expect(await rows(stack, values)).toEqual([{ n: '1' }, { n: '2' }]);
    expect(await rows(stack, told)).toEqual([{ layer: 'standardized', is_back: 'true', source: 'table_history' }]);
  }
});
