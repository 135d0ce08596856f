/** Uploads topic schemas to `pending/` and waits for the verdict, as a merged schema pull request does. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { connect, output } from './clients';
import { UserError } from './faults';
import { ROOT } from './paths';
import type { Stack } from './stack';

const SCHEMAS = path.join(ROOT, 'schemas');

/** Topics that have a sample schema in this repository. */
export function sampleTopics(): string[] {
  return readdirSync(SCHEMAS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(SCHEMAS, entry.name, 'schema.json')))
    .map((entry) => entry.name)
    .sort();
}

export function sampleSchema(topic: string): string {
  return readFileSync(path.join(SCHEMAS, topic, 'schema.json'), 'utf8');
}

/** @throws {UserError} with the validator's own error.json when the schema is refused. */
export async function pushSchema(stack: Stack, topic: string, text: string, timeoutMs = 60_000): Promise<void> {
  const { s3, dynamodb } = connect(stack);
  const bucket = output(stack, 'schema_bucket');
  const put = await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: `schemas/${topic}/pending/schema.json`,
      Body: text,
      ContentType: 'application/json',
    }),
  );
  const etag = put.ETag?.replaceAll('"', '');
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const { Item: item } = await dynamodb.send(
      new GetItemCommand({
        TableName: output(stack, 'schema_registry_table'),
        Key: { topic_name: { S: topic } },
        ConsistentRead: true,
      }),
    );
    if (item?.['schema_etag']?.S?.replaceAll('"', '') === etag && item?.['status']?.S === 'READY') return;
    if (item?.['status']?.S === 'ERROR') {
      const error = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `schemas/${topic}/failed/error.json` }));
      throw new UserError(`The schema of ${topic} was refused:\n${(await error.Body?.transformToString()) ?? ''}`);
    }
    await sleep(300);
  }
  throw new UserError(
    `No verdict on the schema of ${topic} after ${timeoutMs / 1000} s. See the log group of schema-validator.`,
  );
}
