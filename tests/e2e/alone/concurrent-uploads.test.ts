/**
 * Uploads that meet, events that come twice, validators that die: on real tables, with real retries.
 */
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, databases, output } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { readInjected, setFaults } from '../../../scripts/local/fault-injection';
import { TRIES_ENDED } from '../../../packages/common/src/core';
import { budget } from '../../../packages/common/src/testing';
import { without } from '../rights';
import { freshTopic, rows, tableOf, theStack } from '../stack';

const stack = theStack();
const config = { endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS };
const { s3, dynamodb } = connect(stack);
const bucket = output(stack, 'schema_bucket');
const VALIDATOR = 'lean-ops-schema-validator';
const ROUNDS = budget({ eachRun: 3, thorough: 50 });
/** Number of topics at a time. With two tables each they stay below the 20 DDL statements that Athena runs at once. */
const LANES = 3;

const text = (topic: string, version: number, fields: readonly string[]): string =>
  JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Concurrent',
    type: 'object',
    'x-topic': topic,
    'x-version': version,
    required: ['id'],
    properties: {
      id: { type: 'string', 'x-cde': true },
      ...Object.fromEntries(fields.map((field) => [field, { type: 'integer' }])),
    },
  });

async function put(topic: string, body: string): Promise<{ etag: string; versionId: string; key: string }> {
  const key = `schemas/${topic}/pending/schema.json`;
  const { ETag: etag = '', VersionId: versionId = '' } = await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: 'application/json' }),
  );
  return { key, versionId, etag: etag.replaceAll('"', '') };
}

/** The texts of the files below the topic's folder, by name. */
async function filesOf(topic: string): Promise<Map<string, string>> {
  const prefix = `schemas/${topic}/`;
  const { Contents: found = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const files = new Map<string, string>();
  for (const { Key: key = '' } of found) {
    // The object was removed since it was listed, so it counts as missing.
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    });
    if (answer) files.set(key.slice(prefix.length), (await answer.Body?.transformToString()) ?? '');
  }
  return files;
}

async function itemOf(topic: string): Promise<Record<string, string | undefined>> {
  const { Item: item = {} } = await dynamodb.send(
    new GetItemCommand({
      TableName: output(stack, 'schema_registry_table'),
      Key: { topic_name: { S: topic } },
      ConsistentRead: true,
    }),
  );
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, value.S ?? value.N]));
}

async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 200_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${timeoutMs / 1_000} s, and still not: ${what}`);
    await sleep(250);
  }
}

/** Checks the state that uploads one after the other leave: the last text active, the others archived once, and the rest to match. */
async function expectSettled(topic: string, texts: readonly string[], last: string): Promise<void> {
  const others = texts.filter((one) => one !== last);
  await until(`${topic} is settled`, async () => {
    const [files, item] = [await filesOf(topic), await itemOf(topic)];
    const archived = [...files.keys()].filter((name) => name.startsWith('archive/'));
    return (
      item['status'] === 'READY' &&
      item['settled_sequencer'] === item['claimed_sequencer'] &&
      files.get('active/schema.json') === last &&
      !files.has('pending/schema.json') &&
      // The run of an earlier upload of the same bytes may take the pending object away before the report on it is cleared.
      !files.has('failed/error.json') &&
      archived.length >= others.length
    );
  });
  const files = await filesOf(topic);
  const archive = [...files].filter(([name]) => name.startsWith('archive/')).map(([, body]) => body);
  // When two uploads have the same bytes, the earlier one may be archived although its text is active.
  const sameBytes = texts.length > new Set(texts).size;
  expect(archive.filter((one) => !sameBytes || one !== last).sort()).toEqual([...others].sort());
  expect([...files.keys()].filter((name) => !name.startsWith('archive/'))).toEqual(['active/schema.json']);
  const { 'x-version': version, properties } = JSON.parse(last) as { 'x-version': number; properties: object };
  expect(await itemOf(topic)).toMatchObject({ schema_version: String(version), table_name: tableOf(topic) });

  const { Table: table } = await new GlueClient(config).send(
    new GetTableCommand({ DatabaseName: databases(stack).curated, Name: tableOf(topic) }),
  );
  const columns = table?.StorageDescriptor?.Columns?.map(({ Name }) => Name);
  expect(columns).toEqual(expect.arrayContaining(Object.keys(properties)));

  const drift = await rows(
    stack,
    `SELECT drift_id, layer, change_type, column_name, new_value FROM {ops}."drift_log" WHERE topic_name = '${topic}' AND source = 'schema'`,
  );
  expect(new Set(drift.map((row) => row['drift_id'])).size).toBe(drift.length);
  const made = drift.filter((row) => row['change_type'] === 'TABLE_CREATED');
  expect(made.map((row) => row['layer']).sort()).toEqual(['curated', 'standardized']);
  const born = made.filter((row) => row['layer'] === 'curated');
  const came = [
    ...(born[0]?.['new_value'] ?? '').split(', ').map((column) => column.split(' ')[0]),
    ...drift.filter((row) => row['change_type'] === 'COLUMN_ADDED').map((row) => row['column_name']),
  ];
  expect(came.sort()).toEqual(Object.keys(properties).sort());
}

async function inLanes(count: number, work: (index: number) => Promise<void>): Promise<void> {
  const indices = Array.from({ length: count }, (_, index) => index).values();
  const lane = async (): Promise<void> => {
    for (const index of indices) await work(index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

describe('two schemas of one topic within a second', () => {
  it(
    `end with the later one active and the earlier one archived, ${ROUNDS} times in a row`,
    async () => {
      const took: number[] = [];
      await inLanes(ROUNDS, async (round) => {
        const topic = freshTopic('twice');
        const [earlier, later] = [text(topic, 1, ['a']), text(topic, 2, ['a', 'b'])];
        await put(topic, earlier);
        // The gap is 0 to 900 ms, and differs each round.
        await sleep((round * 37 * 10) % 910);
        const started = Date.now();
        await put(topic, later);
        await expectSettled(topic, [earlier, later], later);
        took.push(Date.now() - started);
      });
      took.sort((a, b) => a - b);
      // The figures of a long run are what one plays it for.
      // eslint-disable-next-line no-console
      console.info(
        `${ROUNDS} rounds: median ${took[took.length >> 1]} ms, longest ${took.at(-1)} ms until all was settled`,
      );
    },
    ROUNDS * 60_000,
  );
});

describe('one event that comes twice at the same time', () => {
  it('is handled once: one activation, each drift row once', async () => {
    const lambda = new LambdaClient(config);
    await inLanes(3, async (index) => {
      const topic = freshTopic('doubled');
      const body = text(topic, 1, ['a', 'b', 'c']);
      const { etag, versionId, key } = await put(topic, body);
      // Besides the real event, the same upload's event is sent twice more, as if a moment later.
      const event = {
        source: 'aws.s3',
        'detail-type': 'Object Created',
        time: new Date().toISOString(),
        detail: {
          bucket: { name: bucket },
          object: { key, etag, size: body.length, 'version-id': versionId, sequencer: `FF${index}` },
        },
      };
      const answers = await Promise.all(
        [1, 2].map(async () => {
          const answer = await lambda.send(
            new InvokeCommand({ FunctionName: VALIDATOR, Payload: JSON.stringify(event) }),
          );
          return `${answer.FunctionError ?? 'ok'} ${answer.Payload?.transformToString() ?? ''}`;
        }),
      );
      for (const answer of answers) expect(answer).toMatch(/^ok .*(READY|DUPLICATE|GONE)/);
      await expectSettled(topic, [body, body], body);
    });
  });
});

/**
 * Lets an upload whose tries have ended come again soon when the run that was to write its verdict is killed as well: six
 * minutes are a long wait here.
 *
 * @returns a function that sets the time back
 */
async function endUploadsAgainAfter(seconds: number): Promise<() => Promise<unknown>> {
  const sqs = new SQSClient(config);
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'lean-ops-unsettled-schema-uploads' }));
  const name = 'VisibilityTimeout';
  const { Attributes: before } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }));
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { [name]: String(seconds) } }));
  return async () => sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: before }));
}

/** Uploads the same file once more whenever all tries of the upload before were killed, as that verdict says, until one is active. */
async function untilTriesDoNotEnd(topic: string, body: string): Promise<void> {
  const ended = new Set<string>();
  await until(`${topic} is active`, async () => {
    const { status, error_code: code, settled_sequencer: settled = '' } = await itemOf(topic);
    if (code === TRIES_ENDED && !ended.has(settled)) {
      ended.add(settled);
      await put(topic, body);
    }
    return status === 'READY';
  });
}

describe('a validator that is killed at random moments', () => {
  it('leaves nothing half done: retries, and the same file once more as the verdict says, end as ever', async () => {
    const count = 10;
    const before = (await readInjected(stack.port))['lambda_killed'] ?? 0;
    const restore = await endUploadsAgainAfter(10);
    await setFaults(stack.port, { lambda_kill: { function: VALIDATOR, every_s: [0.2, 1.5], times: 8 }, seed: 5 });
    try {
      await inLanes(count, async () => {
        const topic = freshTopic('killed');
        const body = text(topic, 1, ['a', 'b']);
        await put(topic, body);
        await untilTriesDoNotEnd(topic, body);
        await expectSettled(topic, [body], body);
      });
    } finally {
      await setFaults(stack.port, {});
      await restore();
    }
    expect(((await readInjected(stack.port))['lambda_killed'] ?? 0) - before).toBeGreaterThan(0);
  });
});

describe('an upload that no try can handle', () => {
  it('is refused with the reason, and its event lies in the queue that alarms', async () => {
    const topic = freshTopic('ended');
    const body = text(topic, 1, ['a']);
    await without(stack, VALIDATOR, 'athena:StartQueryExecution', async () => {
      await put(topic, body);
      await until(`${topic} has its verdict`, async () => (await itemOf(topic))['error_code'] === TRIES_ENDED);
    });
    const files = await filesOf(topic);
    expect([...files.keys()].sort()).toEqual(['failed/error.json', 'failed/schema.json']);
    expect(files.get('failed/error.json')).toContain('is not authorized to perform: athena:StartQueryExecution');
    const sqs = new SQSClient(config);
    const { QueueUrl: queue } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'lean-ops-failed-schema-uploads' }));
    const found: string[] = [];
    await until('the event lies in the queue', async () => {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queue, MaxNumberOfMessages: 10, VisibilityTimeout: 1 }),
      );
      found.push(...messages.map(({ Body: message = '' }) => message));
      return found.some((message) => message.includes(`schemas/${topic}/pending/schema.json`));
    });
    await put(topic, body);
    await expectSettled(topic, [body], body);
  });
});

describe('table-provisioner', () => {
  it('called by many at once for topics that overlap and collide makes one table each, with one owner', async () => {
    const lambda = new LambdaClient(config);
    const stem = freshTopic('many');
    const plain = Array.from({ length: 6 }, (_, index) => `${stem}.n${index}`);
    const colliding = [`${stem}.x.y`, `${stem}.x-y`, `${stem}.x_y`];
    const answers = await Promise.all(
      [0, 1, 2, 3].map(async (caller) => {
        const topics = [...plain.slice(caller), ...colliding, ...plain.slice(0, caller)];
        const answer = await lambda.send(
          new InvokeCommand({
            FunctionName: 'lean-ops-table-provisioner',
            Payload: JSON.stringify({
              action: 'standardized',
              topics: caller % 2 === 0 ? topics : topics.toReversed(),
            }),
          }),
        );
        const payload = answer.Payload?.transformToString() ?? '';
        expect(answer.FunctionError ?? payload).toBe(payload);
        return (JSON.parse(payload) as { tables: { topic_name: string; status: string; error_code?: string }[] })
          .tables;
      }),
    );
    const owners = new Set<string>();
    for (const tables of answers) {
      expect(tables).toHaveLength(plain.length + colliding.length);
      const ready = tables.filter(({ status }) => status === 'READY').map(({ topic_name: topic }) => topic);
      expect(ready).toEqual(expect.arrayContaining(plain));
      expect(ready).toHaveLength(plain.length + 1);
      ready.filter((topic) => colliding.includes(topic)).forEach((topic) => owners.add(topic));
      for (const one of tables) if (one.status !== 'READY') expect(one.error_code).toBe('TOPIC_COLLISION');
    }
    expect(owners.size).toBe(1);
    const [owner = ''] = owners;
    expect(await itemOf(`table#${tableOf(owner)}`)).toMatchObject({ owner });
    expect(await rows(stack, `SELECT * FROM {standardized}."${tableOf(owner)}"`)).toEqual([]);
  });
});
