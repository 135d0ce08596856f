import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { clientOptions } from './client-options';

/**
 * An item of the archive's index: one archived message, found by topic and time, or by error code and time (index
 * `by_error_code`). docs/data-contracts.md, DynamoDB.
 */
export interface ArchiveEntry {
  /** A checked topic name, or `_unknown`. */
  readonly topic_name: string;
  /** The sort key, `<failed_at>#<message id>`. */
  readonly failed_at_message_id: string;
  /** ISO 8601 with milliseconds, UTC. */
  readonly failed_at: string;
  readonly error_code: string;
  readonly error_message: string;
  readonly s3_key: string;
  readonly source_message_id: string;
  readonly body_bytes: number;
  readonly receive_count: number;
  readonly archived_at: string;
  /** Of a letter that was sent again and died again: the archive key of the first one. */
  readonly first_letter?: string;
  /** … the id that the queue gave the producer's message. */
  readonly original_message_id?: string;
  /** … how often it had been sent again. */
  readonly attempt?: number;
  /** Of a corrected body that died: the archive key of the letter that it corrects. */
  readonly edit_of?: string;
  /** The time in epoch seconds after which DynamoDB may drop the entry; the object it points at stays. */
  readonly expires_at?: number;
}

/**
 * The unit that a StreamErrorEntry counts: records, data files that were not committed, or parts that nobody can read.
 */
export type StreamErrorKind = 'records' | 'data_files' | 'unreadable';

/**
 * An item of the archive's index for one error object of Firehose, one topic and one error code. The object itself is
 * the archive, and may hold 100,000 records of one topic.
 */
export interface StreamErrorEntry extends Omit<ArchiveEntry, 'source_message_id'> {
  readonly origin: 'firehose';
  readonly kind: StreamErrorKind;
  /** How many of `kind` there are. */
  readonly records: number;
  /** The ids of the first hundred messages. */
  readonly source_message_ids: readonly string[];
  /** The time at which all of it had been put into the stream again. */
  readonly resent_at?: string;
  /** How many rows are in the stream by the last resend, and by those that it went on from. */
  readonly resent_records?: number;
  /** How many rows the last resend could not put there. */
  readonly resend_left?: number;
  /** When all had been sent again but those rows that no resend can deliver. ISO 8601. */
  readonly resend_ended_at?: string;
  /** Where a resend of this entry goes on that had no time for all of it. */
  readonly resend_next?: string;
  /** The reason why. */
  readonly resend_note?: string;
}

export interface ArchiveIndex {
  /**
   * Writes the entry, unless there is one with the same key: that one is of the same letter, and people may have noted on it what
   * became of the letter.
   */
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
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item,
            ConditionExpression: 'attribute_not_exists(failed_at_message_id)',
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}
