import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  InvalidRequestException,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-athena';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { EntityNotFoundException, GetTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import {
  athena,
  claimTable,
  dynamoDocumentStore,
  ensureTable,
  glueCatalog,
  marshal,
  retryingAthena,
  s3DeleteIfMatch,
  unmarshal,
} from '../../src/aws';
import { absent, any, AthenaStatementError, atMost, holds, standardizedTable, type TopicName } from '../../src/core';
import { fakeClock, memoryDocuments, memoryWarehouse } from '../../src/testing';

const athenaMock = mockClient(AthenaClient);
const dynamo = mockClient(DynamoDBClient);
const glue = mockClient(GlueClient);
const s3 = mockClient(S3Client);
const region = { region: 'us-east-1' };

beforeEach(() => {
  for (const mock of [athenaMock, dynamo, glue, s3]) mock.reset();
});

const adapter = (clock = fakeClock()) =>
  athena({ workgroup: 'lean-ops', clock, statementTimeoutMs: 10_000 }, new AthenaClient(region));
const state = (State: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'QUEUED' | 'CANCELLED', StateChangeReason?: string) => ({
  QueryExecution: { Status: { State, StateChangeReason } },
});

describe('athena', () => {
  it('polls until the statement is done, more and more slowly', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock
      .on(GetQueryExecutionCommand)
      .resolvesOnce(state('QUEUED'))
      .resolvesOnce(state('RUNNING'))
      .resolves(state('SUCCEEDED'));
    const clock = fakeClock();
    await expect(adapter(clock).execute('SELECT 1')).resolves.toBe('q1');
    expect(athenaMock.commandCalls(StartQueryExecutionCommand)[0]?.args[0].input).toEqual({
      QueryString: 'SELECT 1',
      WorkGroup: 'lean-ops',
    });
    expect(clock.slept).toEqual([100, 150, 225]);
  });

  it('says why a statement failed, and whether to try again', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('FAILED', 'ICEBERG_COMMIT_ERROR: lost'));
    const failure = adapter().execute('INSERT …');
    await expect(failure).rejects.toBeInstanceOf(AthenaStatementError);
    await expect(failure).rejects.toMatchObject({ code: 'ICEBERG_COMMIT_ERROR', disposition: 'retryable' });
  });

  it('takes a statement that Athena cannot read for what it is', async () => {
    const refusal = new InvalidRequestException({ message: "line 1:8: mismatched input 'TABEL'", $metadata: {} });
    athenaMock.on(StartQueryExecutionCommand).rejects(refusal);
    await expect(adapter().execute('CREATE TABEL x')).rejects.toMatchObject({
      code: 'SYNTAX_ERROR',
      disposition: 'statement',
    });
  });

  it.each([
    new TooManyRequestsException({ message: 'You have exceeded the limit', $metadata: {} }),
    Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' }),
  ])('counts $name at the start as bad luck: waiting helps', async (refusal) => {
    athenaMock.on(StartQueryExecutionCommand).rejectsOnce(refusal).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('SUCCEEDED'));
    const clock = fakeClock();
    await expect(retryingAthena(adapter(clock), { clock, random: () => 0.5 }).execute('x')).resolves.toBe('q1');
    expect(clock.slept).toContain(250);
  });

  it('counts a statement that somebody cancelled as bad luck', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('CANCELLED'));
    await expect(adapter().execute('x')).rejects.toMatchObject({ code: 'ATHENA_CANCELLED', disposition: 'retryable' });
  });

  /** Athena with its promise: one token, one query; each query ends as `ends` says, `ms` after it was started. */
  const tokens = (clock: ReturnType<typeof fakeClock>, ends: readonly ('SUCCEEDED' | 'FAILED')[]) => {
    const queries = new Map<string, { id: string; ended: Date }>();
    athenaMock
      .on(StartQueryExecutionCommand)
      .callsFake(({ ClientRequestToken: token = '' }: { ClientRequestToken?: string }) => {
        const known = queries.get(token) ?? { id: String(queries.size), ended: new Date(clock.now() + 50) };
        queries.set(token, known);
        return { QueryExecutionId: known.id };
      });
    athenaMock.on(GetQueryExecutionCommand).callsFake(({ QueryExecutionId: id }: { QueryExecutionId: string }) => {
      const { ended } = [...queries.values()][Number(id)]!;
      const Status = {
        State: ends[Number(id)],
        StateChangeReason: 'ICEBERG_COMMIT_ERROR: lost',
        CompletionDateTime: ended,
      };
      return { QueryExecution: { Status } };
    });
    return queries;
  };

  it('runs a shared statement once for all who ask, and again only after it failed', async () => {
    const clock = fakeClock();
    const queries = tokens(clock, ['FAILED', 'FAILED', 'SUCCEEDED']);
    const athenas = [adapter(clock), adapter(clock)].map((one) => retryingAthena(one, { clock, random: () => 0.5 }));
    await expect(Promise.all(athenas.map((one) => one.execute('INSERT', { shared: true })))).resolves.toEqual([
      '2',
      '2',
    ]);
    expect(queries.size).toBe(3);
    clock.pass(3_600_000);
    await expect(adapter(clock).execute('INSERT', { shared: true })).resolves.toBe('2');
    expect(queries.size).toBe(3);
    for (const token of queries.keys()) expect(token).toMatch(/^[0-9a-f]{64}-\d+$/);
  });

  it('stops a statement that does not end', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('RUNNING'));
    athenaMock.on(StopQueryExecutionCommand).resolves({});
    await expect(adapter().execute('SELECT 1')).rejects.toMatchObject({ code: 'ATHENA_TIMEOUT' });
    expect(athenaMock.commandCalls(StopQueryExecutionCommand)).toHaveLength(1);
  });

  it('reads all pages of rows, without the heading, NULLs as null', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('SUCCEEDED'));
    athenaMock
      .on(GetQueryResultsCommand)
      .resolvesOnce({
        NextToken: 'more',
        ResultSet: {
          ResultSetMetadata: {
            ColumnInfo: [
              { Name: 'a', Type: 'varchar' },
              { Name: 'b', Type: 'varchar' },
            ],
          },
          Rows: [{ Data: [{ VarCharValue: 'a' }, { VarCharValue: 'b' }] }, { Data: [{ VarCharValue: '1' }, {}] }],
        },
      })
      .resolves({ ResultSet: { Rows: [{ Data: [{ VarCharValue: '2' }, { VarCharValue: '' }] }] } });
    await expect(adapter().query('SELECT a, b')).resolves.toEqual({
      columns: ['a', 'b'],
      rows: [
        ['1', null],
        ['2', ''],
      ],
    });
  });
});

describe('retryingAthena', () => {
  const failing = (disposition: 'retryable' | 'statement', times: number) => {
    let calls = 0;
    return {
      calls: () => calls,
      execute: () => {
        calls += 1;
        return calls > times
          ? Promise.resolve('q')
          : Promise.reject(new AthenaStatementError({ disposition, code: 'X' }, 'reason', 'q'));
      },
      query: () => Promise.reject(new Error('unused')),
    };
  };

  it('tries again when it may help, with back-off, and not for ever', async () => {
    const clock = fakeClock();
    const inner = failing('retryable', 2);
    await expect(retryingAthena(inner, { clock, random: () => 0.5 }).execute('x')).resolves.toBe('q');
    expect(clock.slept).toEqual([250, 500]);
    const hopeless = failing('retryable', 99);
    await expect(retryingAthena(hopeless, { clock, attempts: 3 }).execute('x')).rejects.toThrow('reason');
    expect(hopeless.calls()).toBe(3);
  });

  it('does not repeat a statement that is wrong', async () => {
    const inner = failing('statement', 1);
    await expect(retryingAthena(inner, { clock: fakeClock() }).execute('x')).rejects.toThrow('reason');
    expect(inner.calls()).toBe(1);
  });
});

describe('documents', () => {
  const store = () => dynamoDocumentStore(new DynamoDBClient(region));

  it('come back as they went', () => {
    const value = fc.letrec<{ any: never }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any')),
        fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          tie('any'),
        ),
      ) as fc.Arbitrary<never>,
    })).any;
    fc.assert(fc.property(value, (plain) => expect(unmarshal(marshal(plain))).toEqual(plain)));
  });

  it('are written under conditions, with every name and value as a placeholder', async () => {
    dynamo.on(UpdateItemCommand).resolves({});
    const condition = any(absent('status'), atMost('seq', '05'));
    await expect(
      store().update('t', { id: 'a' }, { set: { status: 'READY' }, remove: ['x'] }, condition),
    ).resolves.toBe(true);
    expect(dynamo.commandCalls(UpdateItemCommand)[0]?.args[0].input).toEqual({
      TableName: 't',
      Key: { id: { S: 'a' } },
      UpdateExpression: 'SET #n0 = :v1 REMOVE #n2',
      ConditionExpression: '(attribute_not_exists(#n3)) OR (#n4 <= :v5)',
      ExpressionAttributeNames: { '#n0': 'status', '#n2': 'x', '#n3': 'status', '#n4': 'seq' },
      ExpressionAttributeValues: { ':v1': { S: 'READY' }, ':v5': { S: '05' } },
    });
  });

  it('tell a refused condition from a failure', async () => {
    dynamo.on(PutItemCommand).rejectsOnce(new ConditionalCheckFailedException({ message: '', $metadata: {} }));
    await expect(store().put('t', { id: 'a' }, absent('id'))).resolves.toBe(false);
    dynamo.on(PutItemCommand).rejects(new Error('down'));
    await expect(store().put('t', { id: 'a' })).rejects.toThrow('down');
  });

  it('are read consistently, and scanned to the last page', async () => {
    dynamo.on(GetItemCommand).resolves({ Item: { id: { S: 'a' }, n: { N: '3' } } });
    await expect(store().get('t', { id: 'a' })).resolves.toEqual({ id: 'a', n: 3 });
    expect(dynamo.commandCalls(GetItemCommand)[0]?.args[0].input.ConsistentRead).toBe(true);
    dynamo
      .on(ScanCommand)
      .resolvesOnce({ Items: [{ id: { S: 'a' } }], LastEvaluatedKey: { id: { S: 'a' } } })
      .resolves({ Items: [{ id: { S: 'b' } }] });
    await expect(store().scan('t')).resolves.toEqual([{ id: 'a' }, { id: 'b' }]);
  });

  it('meet no comparison with what is not there or of another type, as in DynamoDB', () => {
    expect(holds(atMost('seq', '05'), {})).toBe(false);
    expect(holds(atMost('seq', 5), { seq: '04' })).toBe(false);
    expect(holds(atMost('seq', '05'), { seq: '05' })).toBe(true);
  });
});

describe('catalog', () => {
  it('gives the current columns only: Iceberg leaves dropped ones in Glue', async () => {
    glue.on(GetTableCommand).resolves({
      Table: {
        Name: 't',
        Parameters: { metadata_location: 's3://b/m.json' },
        StorageDescriptor: {
          Columns: [
            { Name: 'a', Type: 'decimal(10,2)', Parameters: { 'iceberg.field.current': 'true' } },
            { Name: 'gone', Type: 'int', Parameters: { 'iceberg.field.current': 'false' } },
          ],
        },
      },
    });
    await expect(glueCatalog(new GlueClient(region)).getTable('d', 't')).resolves.toEqual({
      metadataLocation: 's3://b/m.json',
      columns: [{ name: 'a', type: 'decimal(10,2)' }],
    });
  });

  it('knows a table that is not there from a catalog that is not', async () => {
    glue.on(GetTableCommand).rejectsOnce(new EntityNotFoundException({ message: 'no', $metadata: {} }));
    await expect(glueCatalog(new GlueClient(region)).getTable('d', 't')).resolves.toBeUndefined();
    glue.on(GetTableCommand).rejects(new Error('down'));
    await expect(glueCatalog(new GlueClient(region)).getTable('d', 't')).rejects.toThrow('down');
  });
});

describe('s3DeleteIfMatch', () => {
  it('says whether it was that object', async () => {
    const remove = s3DeleteIfMatch(new S3Client(region));
    s3.on(DeleteObjectCommand).resolves({});
    await expect(remove('b', 'k', '"e"')).resolves.toBe(true);
    expect(s3.commandCalls(DeleteObjectCommand)[0]?.args[0].input).toEqual({ Bucket: 'b', Key: 'k', IfMatch: '"e"' });
    s3.on(DeleteObjectCommand).rejects(Object.assign(new Error('no'), { $metadata: { httpStatusCode: 412 } }));
    await expect(remove('b', 'k', '"e"')).resolves.toBe(false);
    s3.on(DeleteObjectCommand).rejects(Object.assign(new Error('denied'), { $metadata: { httpStatusCode: 403 } }));
    await expect(remove('b', 'k', '"e"')).rejects.toThrow('denied');
  });
});

describe('claimTable', () => {
  it('gives a table to the first topic, again and again, and to no other', async () => {
    const documents = memoryDocuments({ registry: ['topic_name'] });
    const claim = (topic: string) => claimTable(documents, 'registry', topic as TopicName);
    await expect(claim('a.b')).resolves.toEqual({ owned: true, tableName: 'a_b' });
    await expect(claim('a.b')).resolves.toEqual({ owned: true, tableName: 'a_b' });
    await expect(claim('a-b')).resolves.toEqual({ owned: false, tableName: 'a_b', owner: 'a.b' });
  });
});

describe('ensureTable', () => {
  const definition = standardizedTable({ databasePrefix: 'lean_ops', bucket: 'b' }, 't');

  it('makes a table once', async () => {
    const warehouse = memoryWarehouse();
    await expect(ensureTable(warehouse, warehouse, definition)).resolves.toEqual({
      ok: true,
      created: true,
      statements: 1,
    });
    await expect(ensureTable(warehouse, warehouse, definition)).resolves.toEqual({
      ok: true,
      created: false,
      statements: 0,
    });
  });

  it('bears with another caller that was quicker', async () => {
    const warehouse = memoryWarehouse();
    const [, ...others] = definition.columns;
    warehouse.tables.set('lean_ops_standardized.t', [...others]);
    const slow = {
      ...warehouse,
      execute: async (sql: string) => {
        // The other caller adds the column between our look and our statement.
        await warehouse.execute(sql);
        return warehouse.execute(sql);
      },
    };
    await expect(ensureTable(slow, warehouse, definition)).resolves.toMatchObject({ ok: true });
  });

  it('gives up on a statement that fails twice', async () => {
    const warehouse = memoryWarehouse();
    const verdict = { disposition: 'statement', code: 'ATHENA_REFUSED' } as const;
    const refusing = { ...warehouse, execute: () => Promise.reject(new AthenaStatementError(verdict, 'no', 'q')) };
    await expect(ensureTable(refusing, warehouse, definition)).rejects.toMatchObject({ code: 'ATHENA_REFUSED' });
  });
});
