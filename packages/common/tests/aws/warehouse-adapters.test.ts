import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { EntityNotFoundException, GetTableCommand, GetTablesCommand, GlueClient } from '@aws-sdk/client-glue';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import {
  claimTable,
  dynamoDocumentStore,
  ensureTable,
  glueCatalog,
  glueTableListing,
  marshal,
  s3DeleteIfMatch,
  unmarshal,
} from '../../src/aws';
import {
  absent,
  any,
  AthenaStatementError,
  atMost,
  equals,
  holds,
  standardizedTable,
  type TopicName,
} from '../../src/core';
import { memoryDocuments, memoryWarehouse } from '../../src/testing';

const dynamo = mockClient(DynamoDBClient);
const glue = mockClient(GlueClient);
const s3 = mockClient(S3Client);
const region = { region: 'eu-central-1' };

beforeEach(() => {
  for (const mock of [dynamo, glue, s3]) mock.reset();
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

  it('are written by transaction, whole or not at all', async () => {
    dynamo.on(TransactWriteItemsCommand).resolvesOnce({});
    const writes = [
      { op: 'put', table: 't', document: { id: 'a' }, condition: absent('id') },
      { op: 'update', table: 't', key: { id: 'b' }, changes: { remove: ['ddl'] }, condition: equals('ddl.by', '7') },
      { op: 'delete', table: 'u', key: { id: 'c' } },
    ] as const;
    await expect(store().transact(writes)).resolves.toBe(true);
    expect(dynamo.commandCalls(TransactWriteItemsCommand)[0]?.args[0].input.TransactItems).toEqual([
      {
        Put: {
          TableName: 't',
          Item: { id: { S: 'a' } },
          ConditionExpression: 'attribute_not_exists(#n0)',
          ExpressionAttributeNames: { '#n0': 'id' },
        },
      },
      {
        Update: {
          TableName: 't',
          Key: { id: { S: 'b' } },
          UpdateExpression: 'REMOVE #n0',
          ConditionExpression: '#n1.#n2 = :v3',
          ExpressionAttributeNames: { '#n0': 'ddl', '#n1': 'ddl', '#n2': 'by' },
          ExpressionAttributeValues: { ':v3': { S: '7' } },
        },
      },
      { Delete: { TableName: 'u', Key: { id: { S: 'c' } } } },
    ]);
  });

  it('tell a transaction that others were faster than from one that failed', async () => {
    const cancelled = (...codes: readonly string[]) =>
      new TransactionCanceledException({
        message: '',
        $metadata: {},
        CancellationReasons: codes.map((Code) => ({ Code })),
      });
    const failures = [cancelled('None', 'ThrottlingError'), cancelled(), new Error('down')];
    const [throttled, unexplained, down] = failures;
    dynamo
      .on(TransactWriteItemsCommand)
      .rejectsOnce(cancelled('None', 'ConditionalCheckFailed'))
      .rejectsOnce(cancelled('TransactionConflict', 'None'))
      .rejectsOnce(throttled)
      .rejectsOnce(unexplained)
      .rejectsOnce(down);
    await expect(store().transact([])).resolves.toBe(false);
    await expect(store().transact([])).resolves.toBe(false);
    for (const error of failures) await expect(store().transact([])).rejects.toBe(error);
  });

  it('meet conditions on a member of a map, as in DynamoDB', () => {
    expect(holds(equals('ddl.by', '7'), { ddl: { by: '7' } })).toBe(true);
    for (const other of [{}, { ddl: '7' }, { ddl: ['7'] }, { ddl: { by: '8' } }]) {
      expect(holds(equals('ddl.by', '7'), other)).toBe(false);
    }
    expect(holds(absent('ddl.by'), { ddl: '7' })).toBe(true);
    expect(holds(absent('ddl.by'), { ddl: { by: '8' } })).toBe(false);
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

describe('table listing', () => {
  it('gives the Iceberg tables of all pages, and none for a database that is not there', async () => {
    const table = (name: string, location?: string) => ({
      Name: name,
      ...(location !== undefined && { Parameters: { metadata_location: location } }),
    });
    glue
      .on(GetTablesCommand)
      .resolvesOnce({ TableList: [table('a', 's3://b/a.json'), table('view')], NextToken: 'more' })
      .resolvesOnce({ TableList: [table('c', 's3://b/c.json')] })
      .rejectsOnce(new EntityNotFoundException({ message: 'no', $metadata: {} }))
      .rejects(new Error('down'));
    const listing = glueTableListing(new GlueClient(region));
    await expect(listing.metadataLocations('d')).resolves.toEqual(
      new Map([
        ['a', 's3://b/a.json'],
        ['c', 's3://b/c.json'],
      ]),
    );
    await expect(listing.metadataLocations('d')).resolves.toEqual(new Map());
    await expect(listing.metadataLocations('d')).rejects.toThrow('down');
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
        // The other caller adds the column after the catalog was read and before the statement runs.
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
