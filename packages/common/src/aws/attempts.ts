import { DeleteItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { clientOptions } from './client-options';

/**
 * Counts how often a piece of work was begun and has not ended. What ends the process that does it cannot be caught; it shows
 * as work that was begun and never ended.
 */
export interface AttemptLog {
  /** Writes down that work begins. Gives how often it was begun since it last ended, this time included. */
  begin(key: string): Promise<number>;
  /** Writes down that the work has ended, well or not: whoever calls this is alive. */
  end(key: string): Promise<void>;
}

/**
 * An attempt log in a DynamoDB table with the key `id` and the TTL attribute `expiration`.
 *
 * @param keyPrefix tells the functions apart that share the table
 * @param keptSeconds seconds that an attempt which never ended is kept
 */
export function dynamoAttemptLog(
  tableName: string,
  keyPrefix: string,
  keptSeconds: number,
  client: DynamoDBClient = new DynamoDBClient(clientOptions({ requestTimeoutMs: 1_000, maxAttempts: 2 })),
): AttemptLog {
  const keyOf = (key: string) => ({ TableName: tableName, Key: { id: { S: `${keyPrefix}#${key}` } } });
  return {
    async begin(key) {
      const { Attributes: now } = await client.send(
        new UpdateItemCommand({
          ...keyOf(key),
          UpdateExpression: 'ADD attempts :one SET expiration = :then',
          ExpressionAttributeValues: {
            ':one': { N: '1' },
            ':then': { N: String(Math.floor(Date.now() / 1_000) + keptSeconds) },
          },
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      return Number(now?.['attempts']?.N ?? 1);
    },
    async end(key) {
      await client.send(new DeleteItemCommand(keyOf(key)));
    },
  };
}
