/** The DLQ archive as an on-call person reads it: index first, then the object. */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
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
