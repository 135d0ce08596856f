/** All that a stack keeps: objects, items and tables. What is only planned leaves it as it is. */
import { GetTablesCommand } from '@aws-sdk/client-glue';
import { ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { connect, databases } from '../../scripts/local/clients';
import type { Stack } from '../../scripts/local/stack';

/** What queries leave behind, also those by which a plan counts. It expires by itself. */
const RESULTS = 'athena-results/';

/** Place to content: of objects their tags, of items all attributes, of tables where their metadata is. */
export async function everythingOf(stack: Stack): Promise<Readonly<Record<string, string>>> {
  const { s3, dynamodb, glue } = connect(stack);
  const found: Record<string, string> = {};
  for (const { Name: Bucket = '' } of (await s3.send(new ListBucketsCommand({}))).Buckets ?? []) {
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket })) {
      for (const { Key = '', ETag = '' } of Contents) if (!Key.startsWith(RESULTS)) found[`${Bucket}/${Key}`] = ETag;
    }
  }
  for (const TableName of (await dynamodb.send(new ListTablesCommand({}))).TableNames ?? []) {
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName }));
    found[TableName] = Items.map((item) => JSON.stringify(Object.entries(item).sort()))
      .sort()
      .join('\n');
  }
  for (const DatabaseName of Object.values(databases(stack))) {
    for (const { Name = '', Parameters } of (await glue.send(new GetTablesCommand({ DatabaseName }))).TableList ?? []) {
      found[`${DatabaseName}.${Name}`] = JSON.stringify(Parameters);
    }
  }
  return found;
}
