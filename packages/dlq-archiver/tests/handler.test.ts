import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, jest } from '@jest/globals';
import { lambdaContext, sqsEvent, sqsRecord } from '@lean-ops/common/testing';
import { mockClient } from 'aws-sdk-client-mock';
import { configFrom } from '../src/config';

const ENV = {
  ARCHIVE_BUCKET: 'archive',
  ARCHIVE_TABLE: 'lean-ops-dlq-archive',
  IDEMPOTENCY_TABLE: 'lean-ops-idempotency',
};

describe('configFrom', () => {
  it('has every name, or says which are missing', () => {
    expect(configFrom(ENV)).toEqual({
      archiveBucket: 'archive',
      archiveTable: 'lean-ops-dlq-archive',
      idempotencyTable: 'lean-ops-idempotency',
      entryDays: 0,
      concurrency: 8,
    });
    expect(() => configFrom({})).toThrow(/ARCHIVE_BUCKET is not set; ARCHIVE_TABLE .*; IDEMPOTENCY_TABLE is not set/);
  });
});

describe('handler', () => {
  it('wires the clients: an object, an entry, an acknowledgement, and nothing again for a second delivery', async () => {
    Object.assign(process.env, ENV, { AWS_REGION: 'eu-central-1' });
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const s3 = mockClient(S3Client).on(PutObjectCommand).resolves({ ETag: '"e"' });
    const dynamo = mockClient(DynamoDBClient);
    const ofTable = (TableName: string) =>
      dynamo.commandCalls(PutItemCommand, { TableName }).map((call) => call.args[0].input.Item);
    dynamo.on(PutItemCommand).resolves({});
    dynamo.on(UpdateItemCommand).resolves({});
    const { handler } = await import('../src/handler');
    const event = sqsEvent([sqsRecord({ messageId: 'm-1' })]);
    await expect(handler(event, lambdaContext())).resolves.toEqual({ batchItemFailures: [] });
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toMatchObject({
      Bucket: 'archive',
      Key: 'dlq/telemetry.climate/2026/11/23/m-1.json',
    });
    expect(ofTable('lean-ops-dlq-archive')).toHaveLength(1);
    const [record] = ofTable('lean-ops-idempotency');
    expect(record?.['id']?.S).toMatch(/^dlq-archiver#\S{44}$/);

    const done = { status: { S: 'COMPLETED' }, expiration: { N: '99999999999' }, data: { BOOL: true } };
    dynamo.on(PutItemCommand, { TableName: 'lean-ops-idempotency' }).rejects(
      new ConditionalCheckFailedException({
        $metadata: {},
        message: 'no',
        Item: { id: record?.['id'] as never, ...done },
      }),
    );
    await expect(handler(event, lambdaContext())).resolves.toEqual({ batchItemFailures: [] });
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(1);
    expect(ofTable('lean-ops-dlq-archive')).toHaveLength(1);
  });
});
