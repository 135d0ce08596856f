import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { EntityNotFoundException, GetTablesCommand, GetTableVersionsCommand, GlueClient } from '@aws-sdk/client-glue';
import { GetObjectCommand, NoSuchBucket, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { dynamoDocumentStore, glueTableVersions, s3ByteStore } from '../../src/aws';
import type { Document } from '../../src/core';
import { memoryDocuments } from '../../src/testing';

const dynamo = mockClient(DynamoDBClient);
const glue = mockClient(GlueClient);
const s3 = mockClient(S3Client);
const region = { region: 'eu-central-1' };

beforeEach(() => {
  dynamo.reset();
  glue.reset();
  s3.reset();
});

describe('documents of one partition', () => {
  const from = { topic_name: 'a', failed_at_message_id: '2026-11-23' };

  it('come from a sort key on, consistently, page by page', async () => {
    const next = { topic_name: { S: 'a' }, failed_at_message_id: { S: '2026-11-24' } };
    dynamo
      .on(QueryCommand)
      .resolvesOnce({ Items: [{ n: { N: '1' } }], LastEvaluatedKey: next })
      .resolves({ Items: [{ n: { N: '2' } }] });
    const store = dynamoDocumentStore(new DynamoDBClient(region));
    const first = await store.query('t', from);
    expect(first).toEqual({
      documents: [{ n: 1 }],
      next: { topic_name: 'a', failed_at_message_id: '2026-11-24' },
    });
    expect(await store.query('t', from, first.next)).toEqual({ documents: [{ n: 2 }], next: undefined });
    const [one, two] = dynamo.commandCalls(QueryCommand).map((call) => call.args[0].input);
    expect(one).toMatchObject({
      TableName: 't',
      ConsistentRead: true,
      KeyConditionExpression: '#n0 = :v1 AND #n2 >= :v3',
      ExpressionAttributeNames: { '#n0': 'topic_name', '#n2': 'failed_at_message_id' },
      ExpressionAttributeValues: { ':v1': { S: 'a' }, ':v3': { S: '2026-11-23' } },
    });
    expect(one).not.toHaveProperty('ExclusiveStartKey');
    expect(two).toMatchObject({ ExclusiveStartKey: next });
  });

  it('are the same in the fake', async () => {
    const store = memoryDocuments({ t: ['topic_name', 'failed_at_message_id'] });
    const at = (topic: string, when: string) => ({ topic_name: topic, failed_at_message_id: when });
    store.seed('t', at('a', '2026-11-25'), at('a', '2026-11-22'), at('b', '2026-11-24'), at('a', '2026-11-23'));
    const found: Document[] = [];
    let page = await store.query('t', from);
    found.push(...page.documents);
    while (page.next !== undefined) {
      page = await store.query('t', from, page.next);
      found.push(...page.documents);
    }
    expect(found).toEqual([at('a', '2026-11-23'), at('a', '2026-11-25')]);
  });
});

describe('s3ByteStore', () => {
  const store = s3ByteStore(new S3Client(region));

  it('gives the bytes as they are', async () => {
    const bytes = new Uint8Array([0xff, 0x00, 0x0a]);
    const Body = { transformToByteArray: () => Promise.resolve(bytes) } as never;
    s3.on(GetObjectCommand).resolves({ Body, ETag: '"e"', ContentLength: 3 });
    await expect(store.get('b', 'k', 3)).resolves.toEqual({ ok: true, bytes: Buffer.from(bytes), etag: '"e"' });
  });

  it('does not read what is too large, and lets go of the connection', async () => {
    const destroy = jest.fn();
    s3.on(GetObjectCommand).resolves({ Body: { destroy } as never, ETag: '"e"', ContentLength: 4 });
    await expect(store.get('b', 'k', 3)).resolves.toMatchObject({ ok: false, size: 4 });
    expect(destroy).toHaveBeenCalledTimes(1);
  });

  it('tells what is not there from what it may not read', async () => {
    s3.on(GetObjectCommand).rejectsOnce(new NoSuchKey({ message: '', $metadata: { httpStatusCode: 404 } }));
    await expect(store.get('b', 'k', 3)).resolves.toBeUndefined();
    s3.on(GetObjectCommand).rejects(new NoSuchBucket({ message: '', $metadata: { httpStatusCode: 404 } }));
    await expect(store.get('b', 'k', 3)).rejects.toThrow(NoSuchBucket);
  });
});

describe('versions of tables', () => {
  const versions = () => glueTableVersions(new GlueClient(region));

  it('are counted over all pages, of which each is asked for at its greatest', async () => {
    const page = (length: number) => ({ TableVersions: Array.from({ length }, () => ({})) });
    glue
      .on(GetTableVersionsCommand)
      .resolvesOnce({ ...page(100), NextToken: 'more' })
      .resolvesOnce(page(7));
    await expect(versions().count('d', 't')).resolves.toBe(107);
    expect(glue.commandCalls(GetTableVersionsCommand).map((call) => call.args[0].input)).toMatchObject([
      { DatabaseName: 'd', TableName: 't', MaxResults: 100 },
      { NextToken: 'more', MaxResults: 100 },
    ]);
  });

  it('are none of a table that is gone, and unknown where the catalog does not answer', async () => {
    glue.on(GetTableVersionsCommand).rejectsOnce(new EntityNotFoundException({ message: 'no', $metadata: {} }));
    await expect(versions().count('d', 't')).resolves.toBe(0);
    glue.on(GetTableVersionsCommand).rejects(new Error('down'));
    await expect(versions().count('d', 't')).rejects.toThrow('down');
  });

  it('belong to the tables of a database, of all pages', async () => {
    glue
      .on(GetTablesCommand)
      .resolvesOnce({ TableList: [{ Name: 'a' }], NextToken: 'more' })
      .resolvesOnce({ TableList: [{ Name: 'b' }] });
    await expect(versions().tablesOf('d')).resolves.toEqual(['a', 'b']);
  });
});
