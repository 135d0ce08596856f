/** The adapters that operations of an operator use: transactions, executions that somebody starts, and who somebody is. */
import {
  DynamoDBClient,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type CancellationReason,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { callerArn, dynamoDocumentStore, stepFunctionsMachine } from '../../src/aws';
import { absent, equals } from '../../src/core';
import { memoryDocuments } from '../../src/testing';

const dynamo = mockClient(DynamoDBClient);
const sfn = mockClient(SFNClient);
const sts = mockClient(STSClient);
const region = { region: 'eu-central-1' };

beforeEach(() => {
  for (const mock of [dynamo, sfn, sts]) mock.reset();
});

const cancelled = (...codes: readonly (string | undefined)[]) =>
  new TransactionCanceledException({
    message: 'cancelled',
    $metadata: {},
    CancellationReasons: codes.map((Code): CancellationReason => (Code === undefined ? {} : { Code })),
  });

describe('a transaction of documents', () => {
  const store = () => dynamoDocumentStore(new DynamoDBClient(region));

  it('is one request with each write under its own condition', async () => {
    dynamo.on(TransactWriteItemsCommand).resolves({});
    await expect(
      store().transact([
        { op: 'put', table: 't', document: { id: 'a', n: 1 }, condition: absent('id') },
        { op: 'update', table: 'u', key: { id: 'b' }, changes: { set: { state: 'DONE' }, remove: ['x'] } },
        { op: 'delete', table: 'u', key: { id: 'c' }, condition: equals('lock.holder', 'a') },
      ]),
    ).resolves.toBe(true);
    expect(dynamo.commandCalls(TransactWriteItemsCommand)[0]?.args[0].input.TransactItems).toEqual([
      {
        Put: {
          TableName: 't',
          Item: { id: { S: 'a' }, n: { N: '1' } },
          ConditionExpression: 'attribute_not_exists(#n0)',
          ExpressionAttributeNames: { '#n0': 'id' },
        },
      },
      {
        Update: {
          TableName: 'u',
          Key: { id: { S: 'b' } },
          UpdateExpression: 'SET #n0 = :v1 REMOVE #n2',
          ExpressionAttributeNames: { '#n0': 'state', '#n2': 'x' },
          ExpressionAttributeValues: { ':v1': { S: 'DONE' } },
        },
      },
      {
        Delete: {
          TableName: 'u',
          Key: { id: { S: 'c' } },
          ConditionExpression: '#n0.#n1 = :v2',
          ExpressionAttributeNames: { '#n0': 'lock', '#n1': 'holder' },
          ExpressionAttributeValues: { ':v2': { S: 'a' } },
        },
      },
    ]);
  });

  it('tells what others wrote, or are writing, from a failure', async () => {
    const put = () => store().transact([{ op: 'put', table: 't', document: { id: 'a' } }]);
    dynamo
      .on(TransactWriteItemsCommand)
      .rejectsOnce(cancelled('None', 'ConditionalCheckFailed'))
      .rejectsOnce(cancelled('ConditionalCheckFailed', 'TransactionConflict'))
      .rejectsOnce(cancelled('ConditionalCheckFailed', 'ThrottlingError'))
      .rejects(cancelled('None', undefined));
    await expect(put()).resolves.toBe(false);
    await expect(put()).resolves.toBe(false);
    await expect(put()).rejects.toThrow(TransactionCanceledException);
    await expect(put()).rejects.toThrow(TransactionCanceledException);
  });

  it('is all or nothing in memory, too', async () => {
    const memory = memoryDocuments({ t: ['id'] });
    memory.seed('t', { id: 'taken', holder: 'x' });
    const write = (id: string) =>
      memory.transact([
        { op: 'put', table: 't', document: { id: 'new' } },
        { op: 'put', table: 't', document: { id, holder: 'y' }, condition: absent('id') },
      ]);
    await expect(write('taken')).resolves.toBe(false);
    expect([...memory.documents.values()]).toEqual([{ id: 'taken', holder: 'x' }]);
    await expect(write('free')).resolves.toBe(true);
    expect(memory.documents.size).toBe(3);
    await expect(write('new')).rejects.toThrow('two writes of one document');
  });
});

describe('a state machine', () => {
  const arn = 'arn:aws:states:eu-central-1:123456789012:stateMachine:acme-operation';
  const execution = 'arn:aws:states:eu-central-1:123456789012:execution:acme-operation:one';
  const machine = () => stepFunctionsMachine(arn, new SFNClient(region));

  it('starts an execution by its name once, also when that has ended already', async () => {
    sfn
      .on(StartExecutionCommand)
      .resolvesOnce({ executionArn: execution, startDate: new Date() })
      .rejectsOnce(new ExecutionAlreadyExists({ message: 'used', $metadata: {} }))
      .rejects(new Error('down'));
    await expect(machine().start('one', { operation_id: 'one' })).resolves.toBe(execution);
    expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: arn,
      name: 'one',
      input: '{"operation_id":"one"}',
    });
    await expect(machine().start('one', { operation_id: 'one' })).resolves.toBe(execution);
    await expect(machine().start('one', {})).rejects.toThrow('down');
  });

  it('tells an execution that is forgotten from one that cannot be read', async () => {
    sfn
      .on(DescribeExecutionCommand)
      .resolvesOnce({ status: 'FAILED', error: 'E', cause: 'c' })
      .rejectsOnce(new ExecutionDoesNotExist({ message: 'none', $metadata: {} }))
      .rejects(new Error('down'));
    await expect(machine().describe(execution)).resolves.toEqual({ status: 'FAILED', error: 'E', cause: 'c' });
    await expect(machine().describe(execution)).resolves.toBeUndefined();
    await expect(machine().describe(execution)).rejects.toThrow('down');
  });

  it('stops an execution, and has nothing to stop where it is forgotten', async () => {
    sfn
      .on(StopExecutionCommand)
      .resolvesOnce({})
      .rejectsOnce(new ExecutionDoesNotExist({ message: 'none', $metadata: {} }))
      .rejects(new Error('down'));
    await machine().stop(execution, 'cancelled');
    expect(sfn.commandCalls(StopExecutionCommand)[0]?.args[0].input).toEqual({
      executionArn: execution,
      cause: 'cancelled',
    });
    await machine().stop(execution, 'cancelled');
    await expect(machine().stop(execution, 'cancelled')).rejects.toThrow('down');
  });
});

it('says who the caller is', async () => {
  const arn = 'arn:aws:sts::123456789012:assumed-role/operators/ada';
  sts.on(GetCallerIdentityCommand).resolves({ Arn: arn });
  await expect(callerArn(new STSClient(region))).resolves.toBe(arn);
});
