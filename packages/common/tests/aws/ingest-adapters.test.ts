import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { DeleteMessageBatchCommand, GetQueueUrlCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { dynamoArchiveIndex } from '../../src/aws/archive-index';
import { dynamoAttemptLog } from '../../src/aws/attempts';
import { clientOptions, usesPathStyle } from '../../src/aws/client-options';
import { firehoseStream } from '../../src/aws/firehose';
import { isPreconditionFailed, s3ObjectStore } from '../../src/aws/objects';
import { messageBytes, sqsQueue, sqsSourceQueue } from '../../src/aws/sqs';

const sdkError = (name: string, httpStatusCode: number): Error =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });

describe('firehoseStream', () => {
  const firehose = mockClient(FirehoseClient);
  afterEach(() => {
    firehose.reset();
  });
  const stream = firehoseStream('lean-ops-events', new FirehoseClient({}));

  it('gives one receipt per record; accepted is what has an id and no error', async () => {
    firehose.on(PutRecordBatchCommand).resolves({
      FailedPutCount: 1,
      RequestResponses: [
        { RecordId: 'r-1' },
        { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'slow down' },
        {},
      ],
    });
    await expect(stream.putBatch([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')], 1_000)).resolves.toEqual([
      { ok: true },
      { ok: false, code: 'ServiceUnavailableException', message: 'slow down' },
      { ok: false, code: 'NO_RECORD_ID', message: 'not accepted' },
    ]);
    expect(firehose.commandCalls(PutRecordBatchCommand)[0]?.args[0].input).toEqual({
      DeliveryStreamName: 'lean-ops-events',
      Records: [{ Data: Buffer.from('a') }, { Data: Buffer.from('b') }, { Data: Buffer.from('c') }],
    });
  });

  it('says nothing about records when the answer does not, and throws what the call throws', async () => {
    firehose.on(PutRecordBatchCommand).resolvesOnce({}).rejects(sdkError('ServiceUnavailableException', 503));
    await expect(stream.putBatch([Buffer.from('a')], 1_000)).resolves.toEqual([]);
    await expect(stream.putBatch([Buffer.from('a')], 1_000)).rejects.toThrow('ServiceUnavailableException');
  });

  it('ends a call that is not answered in time', async () => {
    firehose.restore();
    // Nothing listens at this address and packets to it are dropped, so only the time-out ends the call.
    const client = new FirehoseClient({
      region: 'eu-central-1',
      endpoint: 'http://192.0.2.1:9',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
      maxAttempts: 1,
    });
    await expect(firehoseStream('s', client).putBatch([Buffer.from('a')], 50)).rejects.toBeInstanceOf(Error);
  });
});

describe('dynamoAttemptLog', () => {
  const dynamodb = mockClient(DynamoDBClient);
  beforeEach(() => {
    dynamodb.reset();
  });
  const log = dynamoAttemptLog('idempotency', 'sqs-processor', 60, new DynamoDBClient({}));
  const sent = () => dynamodb.commandCalls(UpdateItemCommand).map(({ args }) => args[0].input);
  const expirationIn = (seconds: number, name: string): void => {
    const expiration = Number(sent()[0]?.ExpressionAttributeValues?.[name]?.N);
    expect(Math.abs(expiration - Date.now() / 1_000 - seconds)).toBeLessThan(10);
  };

  it('counts in one conditionless write, whose item the table forgets by itself', async () => {
    dynamodb.on(UpdateItemCommand).resolves({ Attributes: { attempts: { N: '3' } } });
    await expect(log.begin('m-1', 1_000)).resolves.toBe(3);
    expect(sent()).toMatchObject([{ Key: { id: { S: 'sqs-processor#m-1' } }, ReturnValues: 'UPDATED_NEW' }]);
    expirationIn(60, ':then');
  });

  it('counts none that has ended, by a write of the same kind, which may be denied only with the other', async () => {
    dynamodb.on(UpdateItemCommand).resolves({});
    await log.end('m-1', 1_000);
    expect(dynamodb.calls()).toHaveLength(1);
    expect(sent()).toMatchObject([
      { Key: { id: { S: 'sqs-processor#m-1' } }, ExpressionAttributeValues: { ':none': { N: '0' } } },
    ]);
    expirationIn(0, ':now');
  });
});

describe('sqsQueue', () => {
  const sqs = mockClient(SQSClient);
  beforeEach(() => {
    sqs.on(GetQueueUrlCommand).resolves({ QueueUrl: 'https://sqs/dlq' });
  });
  afterEach(() => {
    sqs.reset();
  });
  const queue = sqsQueue('lean-ops-dlq', new SQSClient({}));
  const sent = { Successful: [{ Id: '0', MessageId: 'm', MD5OfMessageBody: '' }], Failed: [] };

  it('pairs answers with messages by entry id, in whatever order they come', async () => {
    sqs.on(SendMessageBatchCommand).resolves({
      Successful: [{ Id: '2', MessageId: 'm', MD5OfMessageBody: '' }],
      Failed: [{ Id: '0', Code: 'InternalError', Message: 'sorry', SenderFault: false }],
    });
    const messages = ['a', 'b', 'c'].map((body) => ({ body, attributes: { error_code: 'NO_TOPIC' } }));
    await expect(queue.sendBatch(messages, 1_000)).resolves.toEqual([
      { ok: false, code: 'InternalError', message: 'sorry' },
      { ok: false, code: 'NO_RECEIPT', message: 'not accepted' },
      { ok: true },
    ]);
    expect(sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0].input.Entries?.[1]).toEqual({
      Id: '1',
      MessageBody: 'b',
      MessageAttributes: { error_code: { DataType: 'String', StringValue: 'NO_TOPIC' } },
    });
  });

  it('pairs answers with the receipt handles to delete, too', async () => {
    sqs.on(DeleteMessageBatchCommand).resolves({
      Successful: [{ Id: '1' }],
      Failed: [{ Id: '0', Code: 'ReceiptHandleIsInvalid', Message: 'old', SenderFault: true }],
    });
    const source = sqsSourceQueue('lean-ops-ingest', new SQSClient({}));
    await expect(source.deleteBatch(['h-1', 'h-2', 'h-3'], 1_000)).resolves.toEqual([
      { ok: false, code: 'ReceiptHandleIsInvalid', message: 'old' },
      { ok: true },
      { ok: false, code: 'NO_RECEIPT', message: 'not accepted' },
    ]);
    expect(sqs.commandCalls(DeleteMessageBatchCommand)[0]?.args[0].input.Entries?.[2]).toEqual({
      Id: '2',
      ReceiptHandle: 'h-3',
    });
  });

  it('asks for the URL of its name when it first sends, and again only where that failed', async () => {
    sqs.on(SendMessageBatchCommand).resolves(sent);
    sqs
      .on(GetQueueUrlCommand)
      .rejectsOnce(sdkError('ThrottlingException', 400))
      .resolves({ QueueUrl: 'https://sqs/dlq' });
    const fresh = sqsQueue('lean-ops-dlq', new SQSClient({}));
    expect(sqs.calls()).toHaveLength(0);
    await expect(fresh.sendBatch([{ body: 'a', attributes: {} }], 1_000)).rejects.toThrow('ThrottlingException');
    await fresh.sendBatch([{ body: 'a', attributes: {} }], 1_000);
    await fresh.sendBatch([{ body: 'b', attributes: {} }], 1_000);
    expect(sqs.commandCalls(GetQueueUrlCommand).map(({ args }) => args[0].input)).toEqual([
      { QueueName: 'lean-ops-dlq' },
      { QueueName: 'lean-ops-dlq' },
    ]);
    const urls = sqs.commandCalls(SendMessageBatchCommand).map(({ args }) => args[0].input.QueueUrl);
    expect(urls).toEqual(['https://sqs/dlq', 'https://sqs/dlq']);
  });

  it('counts names, types and values of attributes as SQS does', () => {
    expect(messageBytes({ body: 'é', attributes: { ab: 'ü' } })).toBe(2 + 2 + 6 + 2);
    const typedAttributes = {
      n: { dataType: 'Number', stringValue: '12' },
      b: { dataType: 'Binary.gzip', binaryValue: 'AAEC' },
    };
    expect(messageBytes({ body: '', attributes: {}, typedAttributes })).toBe(1 + 6 + 2 + 1 + 11 + 3);
  });

  it('sends attributes of every type to the URL that it was given', async () => {
    sqs.on(SendMessageBatchCommand).resolves(sent);
    const known = sqsQueue({ url: 'https://sqs/ingest' }, new SQSClient({}));
    const typedAttributes = {
      n: { dataType: 'Number', stringValue: '12' },
      b: { dataType: 'Binary', binaryValue: 'AAEC' },
    };
    await known.sendBatch([{ body: 'a', attributes: { topic_name: 't' }, typedAttributes }], 1_000);
    expect(sqs.commandCalls(GetQueueUrlCommand)).toHaveLength(0);
    const { input } = sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0] ?? {};
    expect(input?.QueueUrl).toBe('https://sqs/ingest');
    expect(input?.Entries?.[0]?.MessageAttributes).toEqual({
      topic_name: { DataType: 'String', StringValue: 't' },
      n: { DataType: 'Number', StringValue: '12' },
      b: { DataType: 'Binary', BinaryValue: Buffer.from([0, 1, 2]) },
    });
  });
});

describe('s3ObjectStore', () => {
  const s3 = mockClient(S3Client);
  afterEach(() => {
    s3.reset();
  });
  const objects = s3ObjectStore(new S3Client({}));
  const body = (text: string) =>
    ({ Body: { transformToString: () => Promise.resolve(text) }, ETag: '"e"' }) as unknown as GetObjectCommandOutput;

  it('reads an object, and undefined where there is none', async () => {
    s3.on(GetObjectCommand).resolvesOnce(body('text')).rejects(sdkError('NoSuchKey', 404));
    await expect(objects.get('b', 'k')).resolves.toEqual({ body: 'text', etag: '"e"' });
    await expect(objects.get('b', 'k')).resolves.toBeUndefined();
    s3.on(HeadObjectCommand).rejects(sdkError('NotFound', 404));
    await expect(objects.head('b', 'k')).resolves.toBeUndefined();
  });

  it('does not take a missing bucket or permission for a missing object', async () => {
    s3.on(GetObjectCommand).rejectsOnce(sdkError('NoSuchBucket', 404)).rejects(sdkError('AccessDenied', 403));
    await expect(objects.get('b', 'k')).rejects.toThrow('NoSuchBucket');
    await expect(objects.get('b', 'k')).rejects.toThrow('AccessDenied');
  });

  it('writes on conditions and knows a lost one', async () => {
    s3.on(PutObjectCommand).resolves({ ETag: '"e2"' });
    await expect(objects.put('b', 'k', '{}', { onlyIfAbsent: true })).resolves.toEqual({ etag: '"e2"' });
    await objects.put('b', 'k', '{}', { ifMatch: '"e2"' });
    const inputs = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
    expect(inputs).toMatchObject([{ IfNoneMatch: '*' }, { IfMatch: '"e2"' }]);
    expect(isPreconditionFailed(sdkError('PreconditionFailed', 412))).toBe(true);
    expect(isPreconditionFailed(sdkError('AccessDenied', 403))).toBe(false);
  });

  it('encodes the source of a copy', async () => {
    s3.on(CopyObjectCommand).resolves({});
    await objects.copy('b', 'a b/c+d.json', 'to', { ifMatch: '"e"' });
    expect(s3.commandCalls(CopyObjectCommand)[0]?.args[0].input).toMatchObject({
      CopySource: 'b/a%20b/c%2Bd.json',
      CopySourceIfMatch: '"e"',
    });
  });

  it('lists every page', async () => {
    s3.on(ListObjectsV2Command, { ContinuationToken: undefined }).resolves({
      Contents: [{ Key: 'a' }],
      NextContinuationToken: 't',
    });
    const lastModified = new Date('2026-11-23T10:00:00Z');
    s3.on(ListObjectsV2Command, { ContinuationToken: 't' }).resolves({
      Contents: [{ Key: 'b', LastModified: lastModified }],
    });
    await expect(objects.list('b', '')).resolves.toEqual([{ key: 'a' }, { key: 'b', lastModified }]);
  });
});

describe('dynamoArchiveIndex', () => {
  it('writes numbers as numbers and text as text', async () => {
    const dynamo = mockClient(DynamoDBClient);
    dynamo.on(PutItemCommand).resolves({});
    await dynamoArchiveIndex('lean-ops-dlq-archive', new DynamoDBClient({})).put({
      topic_name: '_unknown',
      failed_at_message_id: '2026-11-23T10:00:00.000Z#m',
      failed_at: '2026-11-23T10:00:00.000Z',
      error_code: 'NO_TOPIC',
      error_message: 'no topic',
      s3_key: 'dlq/_unknown/2026/11/23/m.json',
      source_message_id: 'm',
      body_bytes: 12,
      receive_count: 1,
      archived_at: '2026-11-23T10:00:01.000Z',
    });
    expect(dynamo.commandCalls(PutItemCommand)[0]?.args[0].input).toMatchObject({
      TableName: 'lean-ops-dlq-archive',
      Item: { topic_name: { S: '_unknown' }, body_bytes: { N: '12' } },
      ConditionExpression: 'attribute_not_exists(failed_at_message_id)',
    });
  });

  it('leaves an entry as it is that is there already, with what people have noted on it', async () => {
    const dynamo = mockClient(DynamoDBClient);
    const entry = {
      topic_name: '_unknown',
      failed_at_message_id: 'x',
      failed_at: 'x',
      error_code: 'NO_TOPIC',
      error_message: '',
      s3_key: '',
      source_message_id: '',
      body_bytes: 0,
      receive_count: 0,
      archived_at: '',
    };
    dynamo.on(PutItemCommand).rejects(new ConditionalCheckFailedException({ $metadata: {}, message: 'no' }));
    await expect(dynamoArchiveIndex('t', new DynamoDBClient({})).put(entry)).resolves.toBeUndefined();
    dynamo.on(PutItemCommand).rejects(sdkError('ThrottlingException', 400));
    await expect(dynamoArchiveIndex('t', new DynamoDBClient({})).put(entry)).rejects.toThrow('Throttling');
  });
});

describe('clientOptions', () => {
  it('makes a slow request fail, which the SDK alone would only warn of', () => {
    expect(clientOptions({ maxAttempts: 1, requestTimeoutMs: 5 })).toMatchObject({
      maxAttempts: 1,
      requestHandler: { requestTimeout: 5, throwOnRequestTimeout: true },
    });
  });

  it('addresses buckets by path where an endpoint is set', () => {
    expect(usesPathStyle({})).toBe(false);
    expect(usesPathStyle({ AWS_ENDPOINT_URL: 'http://localhost:4566' })).toBe(true);
  });
});
