import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { DeleteMessageBatchCommand, GetQueueUrlCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { lambdaContext, sqsEvent, sqsRecord } from '@lean-ops/common/testing';
import { mockClient } from 'aws-sdk-client-mock';
import { configFrom } from '../src/config';

const ENV = {
  FIREHOSE_STREAM_NAME: 'lean-ops-events',
  INGEST_NAME: 'lean-ops-ingest',
  DLQ_NAME: 'lean-ops-dlq',
  IDEMPOTENCY_TABLE: 'lean-ops-idempotency',
  OVERFLOW_BUCKET: 'archive',
};

describe('configFrom', () => {
  it('has every name, or says which are missing', () => {
    expect(configFrom(ENV)).toMatchObject({
      streamName: 'lean-ops-events',
      concurrency: 4,
      maxClockSkewSeconds: 86_400,
      suspectReceives: 4,
    });
    expect(configFrom({ ...ENV, MAX_CLOCK_SKEW_SECONDS: '60' }).maxClockSkewSeconds).toBe(60);
    expect(() => configFrom({})).toThrow(
      /FIREHOSE_STREAM_NAME .*INGEST_NAME .*DLQ_NAME .*IDEMPOTENCY_TABLE .*OVERFLOW_BUCKET/,
    );
  });
});

describe('handler', () => {
  const firehose = mockClient(FirehoseClient);
  const sqs = mockClient(SQSClient);
  const dynamodb = mockClient(DynamoDBClient);

  beforeEach(() => {
    Object.assign(process.env, ENV, { AWS_REGION: 'eu-central-1', POWERTOOLS_DEV: 'false' });
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  });

  it('wires the clients: one message to Firehose, one to the DLQ, one back to the queue', async () => {
    firehose.on(PutRecordBatchCommand).resolves({
      FailedPutCount: 1,
      RequestResponses: [{ RecordId: 'r-1' }, { ErrorCode: 'AccessDeniedException', ErrorMessage: 'no' }],
    });
    sqs.on(GetQueueUrlCommand, { QueueName: 'lean-ops-dlq' }).resolves({ QueueUrl: 'https://sqs.example/dlq' });
    sqs
      .on(SendMessageBatchCommand)
      .resolves({ Successful: [{ Id: '0', MessageId: 'm', MD5OfMessageBody: 'x' }], Failed: [] });
    const { handler } = await import('../src/handler');
    const records = [sqsRecord(), sqsRecord({ body: 'no json' }), sqsRecord({ messageId: 'back' })];
    await expect(handler(sqsEvent(records), lambdaContext())).resolves.toEqual({
      batchItemFailures: [{ itemIdentifier: 'back' }],
    });
    expect(firehose.commandCalls(PutRecordBatchCommand)[0]?.args[0].input.DeliveryStreamName).toBe('lean-ops-events');
    expect(sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0].input.QueueUrl).toBe('https://sqs.example/dlq');
  });

  it('wires them for a message that was received often: its attempt is written down, and it is deleted early', async () => {
    firehose.on(PutRecordBatchCommand).resolves({ FailedPutCount: 0, RequestResponses: [{ RecordId: 'r-1' }] });
    sqs.on(GetQueueUrlCommand, { QueueName: 'lean-ops-ingest' }).resolves({ QueueUrl: 'https://sqs.example/ingest' });
    sqs.on(DeleteMessageBatchCommand).resolves({ Successful: [{ Id: '0' }], Failed: [] });
    dynamodb.on(UpdateItemCommand).resolves({ Attributes: { attempts: { N: '1' } } });
    const { handler } = await import('../src/handler');
    const record = sqsRecord({ messageId: 'm-1', attributes: { ApproximateReceiveCount: '4' } });
    await expect(handler(sqsEvent([record]), lambdaContext())).resolves.toEqual({ batchItemFailures: [] });
    expect(sqs.commandCalls(DeleteMessageBatchCommand)[0]?.args[0].input).toEqual({
      QueueUrl: 'https://sqs.example/ingest',
      Entries: [{ Id: '0', ReceiptHandle: record.receiptHandle }],
    });
    const item = { TableName: 'lean-ops-idempotency', Key: { id: { S: 'sqs-processor#m-1' } } };
    expect(dynamodb.commandCalls(UpdateItemCommand).map(({ args }) => args[0].input)).toMatchObject([item, item]);
  });
});
