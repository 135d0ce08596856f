import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient, type InvokeCommandOutput } from '@aws-sdk/client-lambda';
import { describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { dynamoArchiveReader, lambdaInvokeFunction } from '../../src/aws';

const region = { region: 'eu-central-1' };

describe('lambdaInvokeFunction', () => {
  const lambda = mockClient(LambdaClient);
  const invoke = lambdaInvokeFunction('acme-reader', new LambdaClient(region));
  const payload = (text: string) => Buffer.from(text) as unknown as InvokeCommandOutput['Payload'] & Uint8Array;

  it('waits for the answer, and gives it as JSON', async () => {
    lambda.on(InvokeCommand).resolves({ Payload: payload('{"resent":1}') });
    await expect(invoke({ action: 'resend' })).resolves.toEqual({ resent: 1 });
    const { input } = lambda.commandCalls(InvokeCommand)[0]?.args[0] ?? {};
    expect(input?.FunctionName).toBe('acme-reader');
    expect(input?.InvocationType).toBeUndefined();
    expect(new TextDecoder().decode(input?.Payload as Uint8Array)).toBe('{"action":"resend"}');
    lambda.on(InvokeCommand).resolves({});
    await expect(invoke(null)).resolves.toBeNull();
  });

  it.each([
    ['{"errorType":"LeanOpsError","errorMessage":"no such entry"}', 'acme-reader: no such entry'],
    ['out of memory', 'acme-reader: out of memory'],
  ])('fails with the message of a function that threw %s', async (text, message) => {
    lambda.on(InvokeCommand).resolves({ FunctionError: 'Unhandled', Payload: payload(text) });
    await expect(invoke({})).rejects.toMatchObject({ code: 'FUNCTION_FAILED', message });
  });
});

describe('dynamoArchiveReader', () => {
  const dynamo = mockClient(DynamoDBClient);

  it('reads a topic or a code between two times, the oldest first where that is asked for', async () => {
    dynamo.on(QueryCommand).resolves({ Items: [] });
    const reader = dynamoArchiveReader('t', new DynamoDBClient(region));
    await reader.page({ of: { topic: 'a.b' }, since: '2026-11', until: '2026-12', oldestFirst: true });
    await reader.page({ of: { code: 'NO_TOPIC' }, since: '2026-11' });
    const [one, two] = dynamo.commandCalls(QueryCommand).map((call) => call.args[0].input);
    expect(one).toMatchObject({
      KeyConditionExpression: '#partition = :partition AND #sort BETWEEN :since AND :until',
      ExpressionAttributeNames: { '#partition': 'topic_name', '#sort': 'failed_at_message_id' },
      ExpressionAttributeValues: { ':since': { S: '2026-11' }, ':until': { S: '2026-12' } },
      ScanIndexForward: true,
    });
    expect(two).toMatchObject({
      IndexName: 'by_error_code',
      KeyConditionExpression: '#partition = :partition AND #sort >= :since',
      ScanIndexForward: false,
    });
    expect(two?.ExpressionAttributeValues).not.toHaveProperty(':until');
  });
});
