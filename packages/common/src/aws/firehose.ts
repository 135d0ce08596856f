import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import type { DeliveryPlan, Receipt } from '../core/delivery/deliver';
import { clientOptions } from './client-options';

/** Limits of PutRecordBatch: records and bytes of one call, bytes before base64. */
export const FIREHOSE_BATCH_LIMITS = { maxCount: 500, maxBytes: 4 * 1024 * 1024 } as const;

/** Takes records in batches and says of each whether it has it. */
export interface RecordStream {
  /**
   * At most 500 records and 4 MiB. One receipt per record, in order. Throws when the call as a whole has no answer or is
   * refused; after a time-out nobody knows whether the records were taken.
   */
  putBatch(records: readonly Uint8Array[], timeoutMs: number): Promise<readonly Receipt[]>;
}

interface Framed {
  readonly frame: Uint8Array;
}

/** How items that carry a frame go to a stream: the part of a delivery plan that Firehose decides. */
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

/** `client` must not retry by itself: it would send the accepted records of a batch again, too. */
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
      // FailedPutCount is a summary; an accepted record is one that has an id and no error.
      return (answer.RequestResponses ?? []).map(({ RecordId, ErrorCode, ErrorMessage }) =>
        ErrorCode === undefined && RecordId !== undefined
          ? { ok: true }
          : { ok: false, code: ErrorCode ?? 'NO_RECORD_ID', message: ErrorMessage ?? 'not accepted' },
      );
    },
  };
}
