import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, jest } from '@jest/globals';
import { lambdaContext } from '@lean-ops/common/testing';
import { mockClient } from 'aws-sdk-client-mock';
import { configFrom } from '../src/config';
import { errorLine, frameOf, KEY } from './world';

const ENV = {
  ARCHIVE_BUCKET: 'archive',
  ARCHIVE_TABLE: 'lean-ops-dlq-archive',
  ERROR_PREFIX: 'firehose-errors/',
  FIREHOSE_STREAM_NAME: 'lean-ops-events',
  LAKE_BUCKET: 'lake',
  RAW_DATABASE: 'lean_ops_raw',
};

describe('configFrom', () => {
  it('tells of every fault at once', () => {
    expect(() => configFrom({ ...ENV, ERROR_PREFIX: 'no-slash', LAKE_BUCKET: '' })).toThrow(
      /ERROR_PREFIX must be a prefix that ends in a slash.*LAKE_BUCKET is not set/,
    );
  });
});

describe('handler', () => {
  it('wires the clients: an event becomes entries and a marker; a bad request a sentence', async () => {
    Object.assign(process.env, ENV, { AWS_REGION: 'eu-central-1' });
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const Body = { transformToByteArray: () => Promise.resolve(new Uint8Array(Buffer.from(errorLine(frameOf())))) };
    mockClient(S3Client)
      .on(GetObjectCommand, { Bucket: 'archive', Key: KEY })
      .resolves({ ETag: '"e"', ContentLength: 10, Body: Body as never });
    const dynamo = mockClient(DynamoDBClient).on(GetItemCommand).resolves({}).on(PutItemCommand).resolves({});
    const { handler } = await import('../src/handler');
    const detail = { bucket: { name: 'archive' }, object: { key: KEY, etag: 'e' } };
    await expect(handler({ detail }, lambdaContext())).resolves.toMatchObject({ outcome: 'RECORDED', entries: 1 });
    const items = dynamo.commandCalls(PutItemCommand).map((call) => call.args[0].input.Item?.['topic_name']?.S);
    expect(items).toEqual(['_error_codes', 'telemetry.climate', '_error_objects']);
    await expect(handler({ action: 'resend' }, lambdaContext())).rejects.toThrow('"resend" needs "s3_key"');
    await expect(handler({ detail: {} }, lambdaContext())).resolves.toEqual({ outcome: 'IGNORED' });
  });
});
