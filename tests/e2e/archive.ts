/** Reads the DLQ archive as an on-call person does: first the index, then the object. */
import { QueryCommand, ScanCommand, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { connect, output } from '../../scripts/local/clients';
import type { Stack } from '../../scripts/local/stack';

export interface Archived {
  readonly error_code: string;
  readonly body: string;
}

export async function archive(stack: Stack, sourceMessageId: string): Promise<Archived[]> {
  const { dynamodb, s3 } = connect(stack);
  const found = await dynamodb.send(
    new ScanCommand({
      TableName: output(stack, 'dlq_archive_table'),
      FilterExpression: 'source_message_id = :id',
      ExpressionAttributeValues: { ':id': { S: sourceMessageId } },
    }),
  );
  return Promise.all(
    (found.Items ?? []).map(async (item) => {
      const object = await s3.send(
        new GetObjectCommand({ Bucket: output(stack, 'dlq_archive_bucket'), Key: item['s3_key']?.S ?? '' }),
      );
      const text = (await object.Body?.transformToString()) ?? '';
      return { error_code: item['error_code']?.S ?? '', body: (JSON.parse(text) as { body: string }).body };
    }),
  );
}

/**
 * The source message ids of the messages that failed since `since` (ISO 8601). They are queried as in the runbook, by topic
 * and by reason, without a scan.
 */
export async function failedSince(
  stack: Stack,
  { topic, code, since }: { readonly topic: string; readonly code: string; readonly since: string },
): Promise<{ readonly byTopic: readonly string[]; readonly byCode: readonly string[] }> {
  const { dynamodb } = connect(stack);
  const query = { TableName: output(stack, 'dlq_archive_table') };
  const [byTopic, byCode] = await Promise.all([
    dynamodb.send(
      new QueryCommand({
        ...query,
        KeyConditionExpression: 'topic_name = :topic AND failed_at_message_id > :since',
        ExpressionAttributeValues: { ':topic': { S: topic }, ':since': { S: since } },
      }),
    ),
    dynamodb.send(
      new QueryCommand({
        ...query,
        IndexName: 'by_error_code',
        KeyConditionExpression: 'error_code = :code AND failed_at > :since',
        ExpressionAttributeValues: { ':code': { S: code }, ':since': { S: since } },
      }),
    ),
  ]);
  const ids = ({ Items: items = [] }: QueryCommandOutput): string[] =>
    items.map((item) => item['source_message_id']?.S ?? '');
  return { byTopic: ids(byTopic), byCode: ids(byCode) };
}
