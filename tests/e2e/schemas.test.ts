import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { connect, output } from '../../scripts/local/clients';
import { pushSchema } from '../../scripts/local/schemas';
import { cycle, freshTopic, rows, send, tableOf, theStack } from './stack';

const stack = theStack();

const schemaOf = (topic: string, version: number, properties: object): string =>
  JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'End-to-end',
    type: 'object',
    'x-topic': topic,
    'x-version': version,
    required: ['id'],
    properties: { id: { type: 'string', minLength: 1, 'x-cde': true }, ...properties },
  });

const event = (topic: string, id: string, key: string, second: number, payload: object): string =>
  JSON.stringify({
    topic_name: topic,
    message_id: id,
    idempotency_key: key,
    produced_at: `2026-11-23T10:00:${String(second).padStart(2, '0')}Z`,
    payload,
  });

describe('a topic with a schema', () => {
  it('reaches Curated typed: history is filled in, bad critical values are refused, other bad values become NULL', async () => {
    const topic = freshTopic('governed');
    await send(stack, event(topic, 'old', 'k-old', 1, { id: 'a', temp: 20.5, at: '2026-11-23T11:00:00+01:00' }));
    await cycle(stack);
    await pushSchema(
      stack,
      topic,
      schemaOf(topic, 1, {
        temp: { type: 'number', maximum: 60, 'x-type': 'decimal(10,2)' },
        at: { type: 'string', format: 'date-time' },
        n: { type: 'integer' },
      }),
    );
    await send(
      stack,
      event(topic, 'good', 'k', 2, { id: 'b', temp: 21, n: 9007199254740993n.toString() }).replace(
        '"9007199254740993"',
        '9007199254740993',
      ),
    );
    await send(stack, event(topic, 'bad-cde', 'k', 3, { temp: 22 }));
    await send(stack, event(topic, 'bad-value', 'k2', 4, { id: 'c', temp: 99 }));
    await cycle(stack);

    const curated = await rows(
      stack,
      `SELECT id, temp, at, n, message_id, schema_version FROM {curated}."${tableOf(topic)}" ORDER BY id`,
    );
    expect(curated).toEqual([
      { id: 'a', temp: '20.50', at: '2026-11-23 10:00:00.000000', n: null, message_id: 'old', schema_version: '1' },
      { id: 'b', temp: '21.00', at: null, n: '9007199254740993', message_id: 'good', schema_version: '1' },
      { id: 'c', temp: null, at: null, n: null, message_id: 'bad-value', schema_version: '1' },
    ]);
    const errors = await rows(
      stack,
      `SELECT message_id, disposition FROM {ops}."errors" WHERE topic_name = '${topic}' ORDER BY message_id`,
    );
    expect(errors).toEqual([
      { message_id: 'bad-cde', disposition: 'rejected' },
      { message_id: 'bad-value', disposition: 'nulled' },
    ]);
  });
});

describe('a schema that is refused', () => {
  it('leaves failed/ with every problem, status ERROR, and the topic goes on under the active one', async () => {
    const topic = freshTopic('refused');
    const { s3, dynamodb } = connect(stack);
    const bucket = output(stack, 'schema_bucket');
    await pushSchema(stack, topic, schemaOf(topic, 1, { n: { type: 'integer' } }));
    const bad = schemaOf(topic, 2, {
      n: { type: 'string' },
      o: { type: 'number', multipleOf: 3 },
      p: { type: 'string', pattern: '^(a+)+$' },
    });
    await expect(pushSchema(stack, topic, bad)).rejects.toThrow('was refused');

    const error = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `schemas/${topic}/failed/error.json` }));
    const report = JSON.parse((await error.Body?.transformToString()) ?? '') as {
      errors: { code: string; path: string; hint: string }[];
    };
    const paths = report.errors.map(({ path }) => path).join(' ');
    expect(paths).toContain('/properties/o');
    expect(paths).toContain('/properties/p');
    expect(report.errors.every(({ code, hint }) => code !== '' && hint !== '')).toBe(true);
    await expect(
      s3.send(new HeadObjectCommand({ Bucket: bucket, Key: `schemas/${topic}/failed/schema.json` })),
    ).resolves.toBeDefined();

    const { Item: item } = await dynamodb.send(
      new GetItemCommand({ TableName: output(stack, 'schema_registry_table'), Key: { topic_name: { S: topic } } }),
    );
    expect(item).toMatchObject({
      status: { S: 'ERROR' },
      processing_enabled: { BOOL: true },
      schema_version: { N: '1' },
    });
    await send(stack, event(topic, 'm', 'k', 1, { id: 'still', n: 7 }));
    await cycle(stack);
    expect(await rows(stack, `SELECT id, n FROM {curated}."${tableOf(topic)}"`)).toEqual([{ id: 'still', n: '7' }]);
  });
});

describe('a payload that grows a field', () => {
  it('gets a column by itself, and the drift is on record once', async () => {
    const topic = freshTopic('drift');
    await send(stack, event(topic, 'm1', 'k1', 1, { id: 'a' }));
    await cycle(stack);
    await send(stack, event(topic, 'm2', 'k2', 2, { id: 'b', meta: { 'Fuel-Level': 3 } }));
    await cycle(stack);
    expect(
      await rows(stack, `SELECT id, meta__fuel_level FROM {standardized}."${tableOf(topic)}" ORDER BY id`),
    ).toEqual([
      { id: 'a', meta__fuel_level: null },
      { id: 'b', meta__fuel_level: '3' },
    ]);
    const drift = await rows(
      stack,
      `SELECT column_name FROM {ops}."drift_log" WHERE topic_name = '${topic}' AND change_type = 'COLUMN_ADDED' AND column_name = 'meta__fuel_level'`,
    );
    expect(drift).toHaveLength(1);
  });
});
