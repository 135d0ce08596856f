import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import type { DeliveryPlan, Receipt } from '../core/delivery/deliver';
import { clientOptions } from './client-options';

/** PutRecordBatch's limits for one call: records, and bytes before base64. */
export const FIREHOSE_BATCH_LIMITS = { maxCount: 500, maxBytes: 4 * 1024 * 1024 } as const;

/** A Firehose stream, which takes records in batches and confirms each. */
export interface RecordStream {
  /**
   * Puts at most 500 records of 4 MiB together, and gives one receipt for each, in order. It throws when the call as a
   * whole is refused or has no answer; after a time-out nobody knows whether the records were taken.
   */
  putBatch(records: readonly Uint8Array[], timeoutMs: number): Promise<readonly Receipt[]>;
}

/** An item with the bytes of its record. */
interface Framed {
  readonly frame: Uint8Array;
}

/** The part of a delivery plan that Firehose decides, for items that carry their record. */
export function frameDelivery<T extends Framed>(
  stream: RecordStream,
): Pick<DeliveryPlan<T>, 'maxCount' | 'maxBytes' | 'sizeOf' | 'send'> {
  return {
    ...FIREHOSE_BATCH_LIMITS,
    sizeOf: ({ frame }) => frame.length,
    send: (items, timeoutMs) =>
      stream.putBatch(
        items.map(({ frame }) => frame),
        timeoutMs,
      ),
  };
}

/** @param client must not retry by itself, as it would send the accepted records of a batch again too */
export function firehoseStream(
  streamName: string,
  client: FirehoseClient = new FirehoseClient(clientOptions({ maxAttempts: 1 })),
): RecordStream {
  return {
    async putBatch(records, timeoutMs) {
      const answer = await client.send(
        new PutRecordBatchCommand({
          DeliveryStreamName: streamName,
          Records: records.map((Data) => ({ Data })),
        }),
        { abortSignal: AbortSignal.timeout(timeoutMs) },
      );
      // FailedPutCount is a summary only: an accepted record has an id and no error.
      return (answer.RequestResponses ?? []).map(({ RecordId, ErrorCode, ErrorMessage }) =>
        ErrorCode === undefined && RecordId !== undefined
          ? { ok: true }
          : { ok: false, code: ErrorCode ?? 'NO_RECORD_ID', message: ErrorMessage ?? 'not accepted' },
      );
    },
  };
}
