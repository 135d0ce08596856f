import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { GetQueueUrlCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { lambdaContext, sqsEvent, sqsRecord } from '@lean-ops/common/testing';
import { mockClient } from 'aws-sdk-client-mock';
import { configFrom } from '../src/config';

const ENV = { FIREHOSE_STREAM_NAME: 'lean-ops-events', DLQ_NAME: 'lean-ops-dlq', OVERFLOW_BUCKET: 'archive' };

describe('configFrom', () => {
  it('has every name, or says which are missing', () => {
    expect(configFrom(ENV)).toMatchObject({
      streamName: 'lean-ops-events',
      concurrency: 4,
      maxClockSkewSeconds: 86_400,
    });
    expect(configFrom({ ...ENV, MAX_CLOCK_SKEW_SECONDS: '60' }).maxClockSkewSeconds).toBe(60);
    expect(() => configFrom({})).toThrow(/FIREHOSE_STREAM_NAME .*DLQ_NAME .*OVERFLOW_BUCKET/);
  });
});

describe('handler', () => {
  const firehose = mockClient(FirehoseClient);
  const sqs = mockClient(SQSClient);

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
});
