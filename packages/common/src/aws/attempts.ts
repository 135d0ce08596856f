import { DynamoDBClient, UpdateItemCommand, type UpdateItemCommandOutput } from '@aws-sdk/client-dynamodb';
import { clientOptions } from './client-options';

/**
 * Counts how often a piece of work was begun and has not ended. What ends the process that does it cannot be caught; it shows
 * as work that was begun and never ended. Neither call takes longer than `timeoutMs`. One that throws may have been written
 * all the same.
 */
export interface AttemptLog {
  /** Writes down that work begins. Gives how often it was begun since it last ended, this time included. */
  begin(key: string, timeoutMs: number): Promise<number>;
  /** Writes down that the work has ended, well or not: whoever calls this is alive. It can be called again and again. */
  end(key: string, timeoutMs: number): Promise<void>;
}

/**
 * An attempt log in a DynamoDB table with the key `id` and the TTL attribute `expiration`.
 *
 * A count is not idempotent, so the SDK must not send it again when only its answer was lost: that would be two attempts.
 * `end` is an update like `begin`, and no delete: where deletes alone are forbidden, every attempt would stay.
 *
 * @param keyPrefix tells the functions apart that share the table
 * @param keptSeconds seconds that an attempt which never ended is kept
 */
export function dynamoAttemptLog(
  tableName: string,
  keyPrefix: string,
  keptSeconds: number,
  client: DynamoDBClient = new DynamoDBClient(clientOptions({ requestTimeoutMs: 1_000, maxAttempts: 1 })),
): AttemptLog {
  const update = (
    key: string,
    expression: string,
    values: Readonly<Record<string, number>>,
    timeoutMs: number,
  ): Promise<UpdateItemCommandOutput> =>
    client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { id: { S: `${keyPrefix}#${key}` } },
        UpdateExpression: expression,
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, { N: String(value) }]),
        ),
        ReturnValues: 'UPDATED_NEW',
      }),
      { abortSignal: AbortSignal.timeout(timeoutMs) },
    );
  const seconds = (): number => Math.floor(Date.now() / 1_000);
  return {
    async begin(key, timeoutMs) {
      const values = { ':one': 1, ':then': seconds() + keptSeconds };
      const { Attributes: now } = await update(key, 'ADD attempts :one SET expiration = :then', values, timeoutMs);
      return Number(now?.['attempts']?.N ?? 1);
    },
    async end(key, timeoutMs) {
      await update(key, 'SET attempts = :none, expiration = :now', { ':none': 0, ':now': seconds() }, timeoutMs);
    },
  };
}
