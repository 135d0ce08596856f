import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DeleteItemCommand, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateTableCommand,
  DeleteTableCommand,
  GetJobRunCommand,
  GlueClient,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import { describe, expect, it } from '@jest/globals';
import { connect, databases, output } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { pushSchema } from '../../../scripts/local/sample-schemas';
import { without } from '../rights';
import { cycle, freshTopic, rows, send, tableOf, theStack } from '../stack';

const stack = theStack();
const config = { endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS };
const glue = new GlueClient(config);
const ROLE = 'lean-ops-job-historical-catch-up';

/** Starts the job as an operator would, waits for its end, and returns its state and output. */
async function catchUp(args: Record<string, string>): Promise<{ state: string; error: string; log: string }> {
  const name = { JobName: output(stack, 'catch_up_job') };
  const { JobRunId: id } = await glue.send(new StartJobRunCommand({ ...name, Arguments: args }));
  for (;;) {
    const { JobRun: run } = await glue.send(new GetJobRunCommand({ ...name, RunId: id }));
    const state = run?.JobRunState ?? '';
    if (['STARTING', 'RUNNING', 'STOPPING', 'WAITING'].includes(state)) {
      await sleep(500);
      continue;
    }
    const log = await new CloudWatchLogsClient(config).send(
      new GetLogEventsCommand({
        logGroupName: '/aws-glue/jobs/lean-ops-historical-catch-up/output',
        logStreamName: id ?? '',
      }),
    );
    return { state, error: run?.ErrorMessage ?? '', log: (log.events ?? []).map((each) => each.message).join('\n') };
  }
}

const registryTable = (): string => output(stack, 'schema_registry_table');

async function item(key: string): Promise<Record<string, unknown> | undefined> {
  const { dynamodb } = connect(stack);
  const found = await dynamodb.send(
    new GetItemCommand({ TableName: registryTable(), Key: { topic_name: { S: key } }, ConsistentRead: true }),
  );
  return found.Item;
}

async function driftOf(topic: string): Promise<Record<string, string | null>[]> {
  return rows(
    stack,
    `SELECT layer, change_type, column_name, new_value FROM {ops}."drift_log" WHERE topic_name = '${topic}' ` +
      'ORDER BY layer, change_type, column_name',
  );
}

/** The line of the summary about a topic. */
function line(log: string, topic: string): string | undefined {
  return log.split('\n').find((each) => each.startsWith(`${topic} `));
}

/** The attributes of an item that the catch-up can restore: not the time of writing, and not the upload. */
function lasting(found: Record<string, unknown> | undefined): Record<string, unknown> {
  const passing = new Set([
    'updated_at',
    'claimed_sequencer',
    'settled_sequencer',
    'settled_recently',
    'schema_sequencer',
  ]);
  return Object.fromEntries(Object.entries(found ?? {}).filter(([name]) => !passing.has(name)));
}

const schema = (topic: string): string =>
  JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    'x-topic': topic,
    'x-version': 4,
    properties: { id: { type: 'string', 'x-cde': true }, temp: { type: 'number', 'x-type': 'decimal(10,2)' } },
  });

const event = (topic: string, id: string, payload: object): string =>
  JSON.stringify({ topic_name: topic, message_id: id, idempotency_key: id, payload });

describe('historical catch-up', () => {
  it('gives topics whose registry items and drift are gone what the live pipeline gave them, with its own rights', async () => {
    const [governed, plain, old] = [freshTopic('adopted'), freshTopic('adopted-plain'), freshTopic('adopted-old')];
    const { dynamodb } = connect(stack);
    const db = databases(stack);
    await pushSchema(stack, governed, schema(governed));
    await send(stack, event(governed, 'g1', { id: 'a', temp: 20.5, more: { fw: '1' } }));
    await send(stack, event(plain, 'p1', { id: 'a' }));
    await cycle(stack);
    // One schema comes between events, and one before any event.
    const between = freshTopic('adopted-between');
    await send(stack, event(between, 'b1', { id: 'a', temp: 1 }));
    await cycle(stack);
    const unused = freshTopic('adopted-unused');
    await pushSchema(stack, unused, schema(unused));
    await pushSchema(stack, between, schema(between));
    await send(stack, event(between, 'b2', { id: 'b', temp: 2 }));
    await cycle(stack);
    const own = await catchUp({ '--topics': [governed, plain, between, unused].join(',') });
    expect(own).toMatchObject({ state: 'SUCCEEDED', error: '' });
    expect(own.log).toContain('4 topics: 0 to bring in line by 0 rows of drift_log, 4 in line already, 0 failed.');

    const topics = [governed, plain];
    const before = new Map<string, unknown>();
    for (const topic of topics) {
      before.set(topic, await driftOf(topic));
      for (const key of [topic, `table#${tableOf(topic)}`]) {
        before.set(key === topic ? `item ${key}` : key, lasting(await item(key)));
        await dynamodb.send(new DeleteItemCommand({ TableName: registryTable(), Key: { topic_name: { S: key } } }));
      }
      await rows(stack, `DELETE FROM {ops}."drift_log" WHERE topic_name = '${topic}'`);
    }
    // One table is from before rescued_data existed and has the path that Iceberg refuses, and one only looks like a table of the
    // pipeline.
    const columns = 'message_id idempotency_key event_time produced_at received_at ingested_at cycle_id device';
    await rows(
      stack,
      `CREATE TABLE \`${db.standardized}\`.\`${tableOf(old)}\` (${columns.replaceAll(/\w+/g, '$& string,').slice(0, -1)}) ` +
        `LOCATION 's3://${output(stack, 'lake_bucket')}/warehouse/${db.standardized}/${tableOf(old)}' ` +
        "TBLPROPERTIES ('table_type'='ICEBERG')",
    );
    const csv = { DatabaseName: db.curated, Name: 'legacy_csv' };
    await glue.send(
      new CreateTableCommand({
        DatabaseName: db.curated,
        TableInput: { Name: csv.Name, TableType: 'EXTERNAL_TABLE', Parameters: { classification: 'csv' } },
      }),
    );

    try {
      const dry = await catchUp({});
      expect(dry).toMatchObject({ state: 'SUCCEEDED', error: '' });
      expect(dry.log).toContain('dry run, nothing was written');
      expect(dry.log).toContain(`standardized.${tableOf(old)}: no topic is known for it`);
      expect(dry.log).toContain('curated.legacy_csv: it is a table that is not Iceberg');
      expect(line(dry.log, governed)).toMatch(/ rows .*new, enabled, version 4/);
      for (const topic of topics) {
        expect(await item(topic)).toBeUndefined();
        expect(await driftOf(topic)).toEqual([]);
      }
    } finally {
      await glue.send(new DeleteTableCommand(csv));
    }

    const real = {
      '--dry-run': 'false',
      '--topics': [...topics, old].join(','),
      '--owners': `${tableOf(old)}=${old}`,
    };
    // Its rows of drift_log are written by then, and the next run goes on from there.
    const denied = await without(stack, ROLE, 'dynamodb:PutItem', async () => catchUp(real));
    expect(denied.state).toBe('FAILED');
    expect(denied.error).toContain('access denied');
    expect(await item(governed)).toBeUndefined();

    const done = await catchUp(real);
    expect(done).toMatchObject({ state: 'SUCCEEDED', error: '' });
    for (const topic of topics) {
      expect(lasting(await item(topic))).toEqual(before.get(`item ${topic}`));
      expect(lasting(await item(`table#${tableOf(topic)}`))).toEqual(before.get(`table#${tableOf(topic)}`));
    }
    expect(await driftOf(plain)).toEqual(before.get(plain));
    expect(await driftOf(governed)).toEqual(before.get(governed));
    expect(before.get(governed)).not.toEqual([]);
    expect(await driftOf(old)).toContainEqual(
      expect.objectContaining({ change_type: 'COLUMN_ADDED', column_name: 'rescued_data' }),
    );
    expect(await rows(stack, `SELECT rescued_data FROM {standardized}."${tableOf(old)}"`)).toEqual([]);

    const again = await catchUp(real);
    expect(again.log).toContain('historical catch-up: nothing to do');
    // An operator runs what the report says, and then rows can be written.
    const [statement = ''] = /ALTER TABLE \S+ SET TBLPROPERTIES \('write.data.path' = '[^']+'\)/.exec(done.log) ?? [];
    expect(statement).toContain(`${db.standardized}.${tableOf(old)} `);
    await rows(stack, statement);

    await send(stack, event(governed, 'g2', { id: 'b', temp: 21 }));
    await send(stack, event(old, 'o1', { device: 'dev-7' }));
    await cycle(stack);
    expect(await rows(stack, `SELECT id, temp FROM {curated}."${tableOf(governed)}" ORDER BY id`)).toEqual([
      { id: 'a', temp: '20.50' },
      { id: 'b', temp: '21.00' },
    ]);
    expect(await rows(stack, `SELECT device FROM {standardized}."${tableOf(old)}"`)).toEqual([{ device: 'dev-7' }]);
  }, 600_000);
});
