/** Finds the messages at rest in a stack, by their SQS ids: in RAW, the DLQ archive and Firehose's error prefix. */
import { paginateScan } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { errorItemsOf } from '../../packages/stream-error-reader/src/error-items';
import { sendableOf } from '../../packages/stream-error-reader/src/sendable';
import { connect, databases, output } from '../local/clients';
import { query } from '../local/query';
import type { Stack } from '../local/stack';
import type { FoundMessages } from './account';

const ERROR_PREFIX = 'firehose-errors/';

/**
 * Finds every message at rest.
 *
 * @param before the messages found earlier, which are left out, so that a run in a used stack sees only its own
 */
export async function findMessages(stack: Stack, before?: FoundMessages): Promise<FoundMessages> {
  const [raw, dlq, firehoseErrors] = await Promise.all([rowsOfRaw(stack), archived(stack), undelivered(stack)]);
  for (const id of before?.raw.keys() ?? []) raw.delete(id);
  for (const id of before?.dlq.keys() ?? []) dlq.delete(id);
  for (const id of before?.firehoseErrors ?? []) firehoseErrors.delete(id);
  return { raw, dlq, firehoseErrors };
}

async function rowsOfRaw(stack: Stack): Promise<Map<string, number>> {
  const { rows } = await query(
    stack,
    `SELECT source_message_id, count(*) AS copies FROM "${databases(stack).raw}"."events" GROUP BY source_message_id`,
  );
  return new Map(rows.map(([id, copies]) => [id ?? '', Number(copies)]));
}

async function archived(stack: Stack): Promise<Map<string, Set<string>>> {
  const { dynamodb } = connect(stack);
  const found = new Map<string, Set<string>>();
  const pages = paginateScan(
    { client: dynamodb },
    { TableName: output(stack, 'dlq_archive_table'), ProjectionExpression: 'source_message_id, error_code' },
  );
  for await (const page of pages) {
    for (const item of page.Items ?? []) {
      const id = item['source_message_id']?.S;
      // An entry without a message id counts an object of the error prefix, and those objects are read below.
      if (id !== undefined) found.set(id, (found.get(id) ?? new Set()).add(item['error_code']?.S ?? ''));
    }
  }
  return found;
}

/** The message ids of the records that Firehose could neither transform nor append. */
async function undelivered(stack: Stack): Promise<Set<string>> {
  const { s3 } = connect(stack);
  const bucket = output(stack, 'dlq_archive_bucket');
  const ids = new Set<string>();
  for (const key of await keysOf(stack, bucket, ERROR_PREFIX)) {
    const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const bytes = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
    let n = 0;
    for (const item of errorItemsOf(bytes)) {
      const sendable = item.kind === 'records' ? sendableOf(item.raw) : undefined;
      // A record without a readable id gets a name of its own, so that it shows up as unknown.
      ids.add(sendable?.ok === true ? sendable.sourceMessageId : `${key}#${n++}`);
    }
  }
  return ids;
}

export async function keysOf(stack: Stack, bucket: string, prefix = ''): Promise<string[]> {
  const { s3 } = connect(stack);
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix }))
    keys.push(...(page.Contents ?? []).map(({ Key: key }) => key ?? ''));
  return keys;
}
