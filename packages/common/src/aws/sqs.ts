import { GetQueueUrlCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Receipt } from '../core/delivery/deliver';
import { clientOptions } from './client-options';

/** SendMessageBatch's limits for one call; one message may have as many bytes as a whole batch. */
export const SQS_BATCH_LIMITS = { maxCount: 10, maxBytes: 1_048_576 } as const;

/** A message to send. */
export interface OutgoingMessage {
  readonly body: string;
  /** String attributes, at most ten. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A queue, which takes messages in batches and confirms each. */
export interface MessageQueue {
  /**
   * Sends at most 10 messages of 1 MiB together, and gives one receipt for each, in order. It throws as
   * `RecordStream.putBatch` does.
   */
  sendBatch(messages: readonly OutgoingMessage[], timeoutMs: number): Promise<readonly Receipt[]>;
}

/** The bytes that SQS counts for a message: its body, and the name, type and value of every attribute. */
export function messageBytes({ body, attributes }: OutgoingMessage): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + 'String'.length + Buffer.byteLength(value);
  }
  return bytes;
}

/**
 * The queue of this account that has this name. Its URL is asked of SQS when the first message is sent, and then kept: a
 * deployment knows names before it makes anything, and a URL only afterwards.
 */
export function sqsQueue(
  name: string,
  client: SQSClient = new SQSClient(clientOptions({ maxAttempts: 1 })),
): MessageQueue {
  let known: string | undefined;
  const findUrl = async (abortSignal: AbortSignal): Promise<string | undefined> =>
    (known ??= (await client.send(new GetQueueUrlCommand({ QueueName: name }), { abortSignal })).QueueUrl);
  return {
    async sendBatch(messages, timeoutMs) {
      const abortSignal = AbortSignal.timeout(timeoutMs);
      const answer = await client.send(
        new SendMessageBatchCommand({
          QueueUrl: await findUrl(abortSignal),
          Entries: messages.map(({ body, attributes }, index) => ({
            Id: String(index),
            MessageBody: body,
            MessageAttributes: Object.fromEntries(
              Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
            ),
          })),
        }),
        { abortSignal },
      );
      const sent = new Set(answer.Successful?.map(({ Id }) => Id));
      const failed = new Map(answer.Failed?.map((failure) => [failure.Id, failure]));
      return messages.map((_, index): Receipt => {
        const failure = failed.get(String(index));
        if (!failure && sent.has(String(index))) return { ok: true };
        return { ok: false, code: failure?.Code ?? 'NO_RECEIPT', message: failure?.Message ?? 'not accepted' };
      });
    },
  };
}
