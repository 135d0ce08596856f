import { QueryCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { FirehoseClient, PutRecordCommand } from '@aws-sdk/client-firehose';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, flushFirehose, REGION } from '../../../scripts/local/emulator-process';
import { without } from '../rights';
import { freshTopic, rows, send, settle, theStack } from '../stack';

const stack = theStack();
const config = { endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS };
const PREFIX = 'lean-ops';
const STREAM_ROLE = `${PREFIX}-stream`;

type Item = Record<string, AttributeValue>;

interface Summary {
  readonly resent: number;
  readonly left: number;
  readonly already_resent: number;
  readonly refused: readonly { readonly code: string; readonly records: number }[];
}

/** The entries of a topic since a time, queried as in the runbook. */
async function onRecord(topic: string, since: string): Promise<Item[]> {
  const answer = await connect(stack).dynamodb.send(
    new QueryCommand({
      TableName: output(stack, 'dlq_archive_table'),
      KeyConditionExpression: 'topic_name = :t AND failed_at_message_id > :since',
      ExpressionAttributeValues: { ':t': { S: topic }, ':since': { S: since } },
    }),
  );
  return answer.Items ?? [];
}

async function waitFor(topic: string, since: string, wanted: (item: Item) => boolean): Promise<Item> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    await flushFirehose(stack.port);
    const found = (await onRecord(topic, since)).find(wanted);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`nothing of ${topic} is on record since ${since}`);
}

/** Invokes the function as an operator does with `aws lambda invoke`. */
async function invoke<T>(request: object): Promise<T> {
  const lambda = new LambdaClient(config);
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: `${PREFIX}-stream-error-reader`, Payload: JSON.stringify(request) }),
  );
  const text = answer.Payload?.transformToString() ?? '';
  if (answer.FunctionError !== undefined) throw new Error(text);
  return JSON.parse(text) as T;
}

const code =
  (wanted: string) =>
  (item: Item): boolean =>
    item['error_code']?.S === wanted;

async function payloads(topic: string): Promise<(string | null | undefined)[]> {
  const found = await rows(
    stack,
    `SELECT payload FROM {raw}."events" WHERE topic_name = '${topic}' ORDER BY message_id`,
  );
  return found.map((row) => row['payload']);
}

const PAYLOADS = ['{"big":9007199254740993,"price":1.10}', "{'not': 'json'}"];

async function sendBoth(topic: string): Promise<void> {
  await send(stack, `{"topic_name":"${topic}","message_id":"m-1","payload":${PAYLOADS[0] ?? ''}}`);
  await send(stack, PAYLOADS[1] ?? '', topic);
}

describe('what Firehose cannot deliver', () => {
  it('is on record when the transform could not be invoked, and reaches RAW when sent again', async () => {
    const topic = freshTopic('uninvoked');
    const since = new Date().toISOString();
    const failed = await without(stack, STREAM_ROLE, 'lambda:InvokeFunction', async () => {
      await sendBoth(topic);
      await settle(stack);
      return waitFor(topic, since, code('Lambda.InvokeAccessDenied'));
    });
    expect(failed).toMatchObject({ origin: { S: 'firehose' }, kind: { S: 'records' } });
    expect(failed['s3_key']?.S).toMatch(/^firehose-errors\/processing-failed\//);
    expect(await payloads(topic)).toEqual([]);

    const request = { action: 'resend', topic_name: topic, since };
    await expect(invoke<Summary>({ ...request, dry_run: true })).resolves.toMatchObject({ resent: 0, left: 2 });
    await expect(invoke<Summary>(request)).resolves.toMatchObject({ resent: 2, left: 0, refused: [] });
    await settle(stack);
    expect((await payloads(topic)).sort()).toEqual([...PAYLOADS].sort());
    const entries = await onRecord(topic, since);
    expect(entries.every((entry) => entry['resent_at'] !== undefined)).toBe(true);
    await expect(invoke<Summary>(request)).resolves.toMatchObject({ resent: 0 });
  });

  it('is on record when data files could not be committed, and their rows reach RAW when sent again', async () => {
    const topic = freshTopic('uncommitted');
    const since = new Date().toISOString();
    const failed = await without(stack, STREAM_ROLE, 'glue:UpdateTable', async () => {
      await sendBoth(topic);
      await settle(stack);
      return waitFor('_unknown', since, (item) => item['kind']?.S === 'data_files');
    });
    expect(failed['error_code']?.S).toBe('Iceberg.AccessDenied');
    expect(await payloads(topic)).toEqual([]);

    // The two messages may have come in different batches, and so be in different files and objects.
    const summary = await invoke<Summary>({ action: 'resend', topic_name: '_unknown', since });
    expect(summary).toMatchObject({ resent: 2, left: 0, refused: [] });
    await settle(stack);
    expect((await payloads(topic)).sort()).toEqual([...PAYLOADS].sort());
  });

  it('is on record as _unknown when it never was a record, and is refused with a reason', async () => {
    const since = new Date().toISOString();
    const firehose = new FirehoseClient(config);
    const Data = Buffer.from([0xff, 0xfe, 0x00, 0x7b]);
    await firehose.send(
      new PutRecordCommand({ DeliveryStreamName: output(stack, 'firehose_stream_name'), Record: { Data } }),
    );
    const failed = await waitFor('_unknown', since, code('Lambda.ProcessingFailedStatus'));
    const key = failed['s3_key']?.S ?? '';
    const summary = await invoke<Summary>({ action: 'resend', s3_key: key });
    expect(summary).toMatchObject({ resent: 0, left: 0, refused: [{ code: 'INVALID_RECORD', records: 1 }] });
    const [entry] = (await onRecord('_unknown', since)).filter((item) => item['s3_key']?.S === key);
    expect(entry?.['resent_at']).toBeUndefined();
    expect(entry?.['resend_note']?.S).toContain('INVALID_RECORD');
    // The object is the archive: it stays.
    const bucket = output(stack, 'dlq_archive_bucket');
    const object = await connect(stack).s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    expect(await object.Body?.transformToString()).toContain(Data.toString('base64'));
  });

  it('is on record even as bytes that nobody can read, and the sweep finds nothing more to do', async () => {
    const since = new Date(0).toISOString();
    const { s3 } = connect(stack);
    const key = 'firehose-errors/by-hand/2026-11-23';
    await s3.send(new PutObjectCommand({ Bucket: output(stack, 'dlq_archive_bucket'), Key: key, Body: '\u0000{"' }));
    const failed = await waitFor('_unknown', since, (item) => item['s3_key']?.S === key);
    expect(failed).toMatchObject({ error_code: { S: 'UNREADABLE_ERROR_OBJECT' }, kind: { S: 'unreadable' } });
    await expect(invoke({ action: 'sweep' })).resolves.toMatchObject({ recorded: 0, left: 0 });
  });

  it('is left alone by a request that cannot be meant', async () => {
    await expect(invoke({ action: 'resend', s3_key: 'dlq/a/1.json' })).rejects.toThrow('under firehose-errors/');
  });
});
