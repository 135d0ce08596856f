/** What an account holds: something put into each kind of thing that holds data, and what is left of a deployment. */
import { ListWorkGroupsCommand } from '@aws-sdk/client-athena';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { FirehoseClient, ListDeliveryStreamsCommand } from '@aws-sdk/client-firehose';
import { GetDatabasesCommand, GetJobsCommand, GetTablesCommand } from '@aws-sdk/client-glue';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { LambdaClient, ListEventSourceMappingsCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { ListQueuesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { connect, databases, output } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import type { Stack } from '../../../scripts/local/stack';

/** Puts a message into a queue that nobody reads, an item into a table, and two versions of one object into a bucket. */
export async function fill(stack: Stack): Promise<void> {
  const { sqs, s3, dynamodb, glue } = connect(stack);
  const queue = output(stack, 'dlq_url').replace(/-dlq$/, '-failed-schema-uploads');
  await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'kept' }));
  await dynamodb.send(
    new PutItemCommand({ TableName: output(stack, 'schema_registry_table'), Item: { topic_name: { S: 'kept' } } }),
  );
  const object = { Bucket: output(stack, 'schema_bucket'), Key: 'schemas/kept/note.txt' };
  await s3.send(new PutObjectCommand({ ...object, Body: 'one' }));
  await s3.send(new PutObjectCommand({ ...object, Body: 'two' }));
  const { TableList: tables } = await glue.send(new GetTablesCommand({ DatabaseName: databases(stack).raw }));
  if (tables?.length === 0) throw new Error('the database of RAW has no table');
}

/** The names of everything that a deployment makes, by kind, as far as there is any. */
export async function leftovers(stack: Stack): Promise<Record<string, readonly unknown[]>> {
  const { sqs, s3, sfn, athena, dynamodb, glue } = connect(stack);
  const config = { endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS };
  const [lambda, logs] = [new LambdaClient(config), new CloudWatchLogsClient(config)];
  const found: Record<string, readonly unknown[] | undefined> = {
    buckets: (await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name),
    databases: (await glue.send(new GetDatabasesCommand({}))).DatabaseList?.map(({ Name }) => Name),
    functions: (await lambda.send(new ListFunctionsCommand({}))).Functions?.map(({ FunctionName }) => FunctionName),
    jobs: (await glue.send(new GetJobsCommand({}))).Jobs?.map(({ Name }) => Name),
    logs: (await logs.send(new DescribeLogGroupsCommand({}))).logGroups?.map(({ logGroupName }) => logGroupName),
    machines: (await sfn.send(new ListStateMachinesCommand({}))).stateMachines?.map(({ name }) => name),
    mappings: (await lambda.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings?.map(({ UUID }) => UUID),
    queues: (await sqs.send(new ListQueuesCommand({}))).QueueUrls,
    roles: (await new IAMClient(config).send(new ListRolesCommand({}))).Roles?.map(({ RoleName }) => RoleName),
    streams: (await new FirehoseClient(config).send(new ListDeliveryStreamsCommand({}))).DeliveryStreamNames,
    tables: (await dynamodb.send(new ListTablesCommand({}))).TableNames,
    workgroups: (await athena.send(new ListWorkGroupsCommand({}))).WorkGroups?.flatMap(({ Name }) =>
      // Every account has this one.
      Name === 'primary' ? [] : [Name],
    ),
  };
  return Object.fromEntries(
    Object.entries(found).flatMap(([kind, names = []]) => (names.length === 0 ? [] : [[kind, names]])),
  );
}
