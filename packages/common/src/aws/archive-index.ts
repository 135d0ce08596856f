import { DynamoDBClient, PutItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { clientOptions } from './client-options';

/** One archived message, found by topic and time, or by error code and time (index `by_error_code`). */
export interface ArchiveEntry {
  /** A checked name, or `_unknown`. */
  readonly topic_name: string;
  /** Sort key: `<failed_at>#<message id>`. */
  readonly failed_at_message_id: string;
  /** ISO 8601, milliseconds, UTC. */
  readonly failed_at: string;
  readonly error_code: string;
  readonly error_message: string;
  readonly s3_key: string;
  readonly source_message_id: string;
  readonly body_bytes: number;
  readonly receive_count: number;
  readonly archived_at: string;
  /** Epoch seconds after which DynamoDB may drop the entry; the object it points at stays. */
  readonly expires_at?: number;
}

/** What an entry of Firehose's error prefix counts: records, data files that were not committed, parts nobody can read. */
export type StreamErrorKind = 'records' | 'data_files' | 'unreadable';

/**
 * What one error object of Firehose holds of one topic and one error code, under the same keys as an archived message:
 * the object itself is the archive, and may hold 100,000 records of one topic.
 */
export interface StreamErrorEntry extends Omit<ArchiveEntry, 'source_message_id'> {
  readonly origin: 'firehose';
  readonly kind: StreamErrorKind;
  /** How many of `kind`. */
  readonly records: number;
  /** The first hundred. */
  readonly source_message_ids: readonly string[];
  /** When all of it was put into the stream again. */
  readonly resent_at?: string;
  /** How many rows the last resend put into the stream. */
  readonly resent_records?: number;
  /** How many it could not, and why. */
  readonly resend_left?: number;
  readonly resend_note?: string;
}

export interface ArchiveIndex {
  /** Writes the entry over an equal one, so that a second delivery changes nothing but `archived_at` and the count. */
  put(entry: ArchiveEntry): Promise<void>;
}

function attributeOf(value: string | number): AttributeValue {
  return typeof value === 'number' ? { N: String(value) } : { S: value };
}

export function dynamoArchiveIndex(
  tableName: string,
  client: DynamoDBClient = new DynamoDBClient(clientOptions()),
): ArchiveIndex {
  return {
    async put(entry) {
      const Item = Object.fromEntries(
        Object.entries<string | number>({ ...entry }).map(([name, value]) => [name, attributeOf(value)]),
      );
      await client.send(new PutItemCommand({ TableName: tableName, Item }));
    },
  };
}
