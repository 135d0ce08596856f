import path from 'node:path';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetTableCommand } from '@aws-sdk/client-glue';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { connect, databases, output } from '../../../scripts/local/clients';
import { pushSchema } from '../../../scripts/local/sample-schemas';
import { leanOps } from '../lean-ops';
import { holderOf } from '../rights';
import { cycle, freshTopic, rows, send, tableOf, theStack } from '../stack';

const stack = theStack();
const ERRORS_POLICY = path.resolve(__dirname, '../../../docs/policies/errors.json');

const schemaOf = (topic: string, version: number, properties: object, words: object = {}): string =>
  JSON.stringify({
    ...words,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'End-to-end',
    type: 'object',
    'x-topic': topic,
    'x-version': version,
    required: ['id'],
    properties: { id: { type: 'string', minLength: 1, 'x-cde': true }, ...properties },
  });

interface TableMetadata {
  readonly 'format-version': number;
  readonly 'partition-specs': readonly { readonly fields: readonly { name: string; transform: string }[] }[];
}

async function tableMetadata(layer: 'standardized' | 'curated', table: string): Promise<TableMetadata> {
  const { s3, glue } = connect(stack);
  const { Table } = await glue.send(new GetTableCommand({ DatabaseName: databases(stack)[layer], Name: table }));
  const { host, pathname } = new URL(Table?.Parameters?.['metadata_location'] ?? '');
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: host, Key: pathname.slice(1) }));
  return JSON.parse((await Body?.transformToString()) ?? '') as TableMetadata;
}

const event = (topic: string, id: string, key: string, second: number, payload: object): string =>
  JSON.stringify({
    topic_name: topic,
    message_id: id,
    idempotency_key: key,
    produced_at: `2026-11-23T10:00:${String(second).padStart(2, '0')}Z`,
    payload,
  });

describe('a topic with a schema', () => {
  it.concurrent(
    'reaches Curated typed: history is filled in, bad critical values are refused, other bad values become NULL',
    async () => {
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

      const { run } = leanOps(stack, await holderOf(stack, ERRORS_POLICY, 'reads-errors'));
      const top = await run('errors', 'top', '--topic', topic, '--format', 'json');
      expect(top).toMatchObject({ code: 1, error: '' });
      const { groups } = JSON.parse(top.output) as {
        groups: { fingerprint: string; signature: string; rows: number }[];
      };
      expect(groups.map(({ signature, rows: open }) => [signature, open]).sort()).toEqual([
        ['id required', 1],
        ['temp maximum', 1],
      ]);
      const { fingerprint = '' } = groups.find(({ signature }) => signature === 'temp maximum') ?? {};
      const shown = await run('errors', 'show', fingerprint, '--topic', topic);
      expect(shown).toMatchObject({ code: 1, error: '' });
      expect(shown.output).toContain(`schemas/${topic}/active/schema.json:1 (version 1, in force)`);
      expect(shown.output).toMatch(
        /message bad-value {2}nulled {2}by version 1\n {4}key k2\n[^]*\n {4}temp maximum: is greater than 60\n/,
      );
    },
  );
});

describe('a schema as its team has it', () => {
  it.concurrent(
    'of draft-07, without a header, with variants, a map and null, is judged as JSON Schema says',
    async () => {
      const topic = freshTopic('as-it-is');
      await pushSchema(
        stack,
        topic,
        JSON.stringify({
          $schema: 'http://json-schema.org/draft-07/schema#',
          definitions: { celsius: { type: ['number', 'null'], minimum: -273.15 } },
          type: 'object',
          required: ['kind'],
          properties: {
            kind: { enum: ['reading', 'state'] },
            temp: { $ref: '#/definitions/celsius' },
            labels: { type: 'object', additionalProperties: { type: 'string' } },
            tags: { type: 'array', items: { type: 'string' }, uniqueItems: true },
          },
          oneOf: [
            { properties: { kind: { const: 'reading' } }, required: ['temp'] },
            { properties: { kind: { const: 'state' }, is_on: { type: 'boolean' } }, required: ['is_on'] },
          ],
        }),
      );
      const labels = '{"a b": "x",  "c":"y"}';
      const reading = { kind: 'reading', temp: 20.5, labels: 'LABELS', tags: ['p'] };
      await send(stack, event(topic, 'm1', 'k1', 1, reading).replace('"LABELS"', labels));
      await send(stack, event(topic, 'm2', 'k2', 1, { kind: 'state', is_on: true }));
      await send(stack, event(topic, 'm3', 'k3', 1, { kind: 'state' }));
      await send(stack, event(topic, 'm4', 'k4', 1, { kind: 'reading', temp: -300, tags: ['p', 'p'] }));
      await send(stack, event(topic, 'm5', 'k5', 1, { kind: 'reading', temp: 1, labels: { n: 5 } }));
      await cycle(stack);

      const columns = 'message_id, kind, temp, is_on, labels, tags';
      expect(await rows(stack, `SELECT ${columns} FROM {curated}."${tableOf(topic)}" ORDER BY message_id`)).toEqual([
        { message_id: 'm1', kind: 'reading', temp: '20.5', is_on: null, labels, tags: '["p"]' },
        { message_id: 'm2', kind: 'state', temp: null, is_on: 'true', labels: null, tags: null },
        { message_id: 'm3', kind: 'state', temp: null, is_on: null, labels: null, tags: null },
        { message_id: 'm4', kind: 'reading', temp: null, is_on: null, labels: null, tags: null },
        { message_id: 'm5', kind: 'reading', temp: '1.0', is_on: null, labels: null, tags: null },
      ]);
      const recorded = await rows(
        stack,
        `SELECT message_id, disposition, violations FROM {ops}."errors" WHERE topic_name = '${topic}' ORDER BY message_id`,
      );
      const broken = recorded.map(({ message_id: id, disposition, violations }) => {
        const found = JSON.parse(violations ?? '[]') as { column: string; rule: string }[];
        return [id, disposition, found.map(({ column, rule }) => `${column} ${rule}`).sort()];
      });
      expect(broken).toEqual([
        ['m3', 'noted', ['$ oneOf']],
        ['m4', 'nulled', ['tags uniqueItems', 'temp minimum']],
        ['m5', 'nulled', ['labels additionalProperties']],
      ]);
      // The members of a map made no columns.
      const [kept] = await rows(stack, `SELECT * FROM {standardized}."${tableOf(topic)}" WHERE message_id = 'm1'`);
      expect(Object.keys(kept ?? {}).filter((name) => name.startsWith('labels'))).toEqual(['labels']);
      expect(kept?.['labels']).toBe(labels);
    },
  );
});

describe('a schema that declares its event time', () => {
  it.concurrent(
    'gets a Curated table of format 2 that is partitioned by its day, and corrections find their rows',
    async () => {
      const topic = freshTopic('by-day');
      const at = { type: 'string', format: 'date-time', 'x-cde': true };
      await pushSchema(stack, topic, schemaOf(topic, 1, { at }, { 'x-event-time': 'at' }));
      const metadata = await tableMetadata('curated', tableOf(topic));
      expect(metadata['format-version']).toBe(2);
      expect(metadata['partition-specs'][0]?.fields).toMatchObject([{ name: 'at_day', transform: 'day' }]);
      await send(stack, event(topic, 'm1', 'k1', 1, { id: 'a', at: '2026-11-23T23:59:59Z' }));
      await send(stack, event(topic, 'm2', 'k2', 1, { id: 'b', at: '2026-11-24T00:00:00Z' }));
      await cycle(stack);
      await send(stack, event(topic, 'm3', 'k1', 2, { id: 'c', at: '2026-11-24T00:00:01Z' }));
      await cycle(stack);
      expect(await rows(stack, `SELECT id, message_id FROM {curated}."${tableOf(topic)}" ORDER BY id`)).toEqual([
        { id: 'b', message_id: 'm2' },
        { id: 'c', message_id: 'm3' },
      ]);
      const partitions = `SELECT record_count FROM {curated}."${tableOf(topic)}$partitions"`;
      expect(await rows(stack, partitions)).toEqual([{ record_count: '2' }]);
    },
  );
});

describe('a schema that is refused', () => {
  it.concurrent(
    'leaves failed/ with every problem, status ERROR, and the topic goes on under the active one',
    async () => {
      const topic = freshTopic('refused');
      const { s3, dynamodb } = connect(stack);
      const bucket = output(stack, 'schema_bucket');
      await pushSchema(stack, topic, schemaOf(topic, 1, { n: { type: 'integer' } }));
      const bad = schemaOf(topic, 2, {
        n: { type: 'string' },
        o: { type: 'number', multipleOf: 0 },
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
    },
  );
});

describe('a payload that grows a field', () => {
  it.concurrent('gets a column by itself, and the drift is on record once', async () => {
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
