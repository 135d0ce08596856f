import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { clientOptions } from './client-options';

/** Does a piece of work once for each key, over all deliveries and all instances of a function. */
export interface Idempotency {
  /**
   * Runs `work` unless it succeeded under this key before. When `work` throws, this throws the same, and the work may
   * run again. It throws too while another instance is at work, and when the record of the key cannot be read or
   * written.
   */
  once(key: string, work: () => Promise<void>): Promise<'done' | 'done before'>;
}

export interface LambdaIdempotency extends Idempotency {
  /** To be called first in a handler: work that never ended is free again when this invocation's time is over. */
  bind(context: Context): void;
}

/**
 * Powertools' idempotency on a DynamoDB table with the key `id` and the TTL attribute `expiration`.
 *
 * @param keyPrefix tells the functions apart that share the table
 * @param keptSeconds seconds that a key is kept; at least as long as its message can come again
 */
export function powertoolsIdempotency(
  tableName: string,
  keyPrefix: string,
  keptSeconds: number,
  client: DynamoDBClient = new DynamoDBClient(clientOptions()),
): LambdaIdempotency {
  const config = new IdempotencyConfig({ expiresAfterSeconds: keptSeconds, hashFunction: 'sha256' });
  const run = makeIdempotent(
    async (_key: string, work: () => Promise<void>): Promise<true> => {
      await work();
      return true;
    },
    {
      persistenceStore: new DynamoDBPersistenceLayer({ tableName, awsSdkV3Client: client }),
      config,
      dataIndexArgument: 0,
      keyPrefix,
    },
  );
  return {
    bind: (context) => config.registerLambdaContext(context),
    async once(key, work) {
      const outcome: { is: 'done' | 'done before' } = { is: 'done before' };
      await run(key, () => {
        outcome.is = 'done';
        return work();
      });
      return outcome.is;
    },
  };
}
