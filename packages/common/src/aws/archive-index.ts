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
