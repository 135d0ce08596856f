import {
  DeleteMessageBatchCommand,
  GetQueueUrlCommand,
  SendMessageBatchCommand,
  SQSClient,
  type BatchResultErrorEntry,
} from '@aws-sdk/client-sqs';
import type { Receipt } from '../core/delivery/deliver';
import type { AttributeValue } from '../core/envelope/message-origin';
import { clientOptions, type ClientSettings } from './client-options';

/** SendMessageBatch's limits for one call; one message may have as many bytes as a whole batch. */
export const SQS_BATCH_LIMITS = { maxCount: 10, maxBytes: 1_048_576 } as const;

/** A message to send. */
export interface OutgoingMessage {
  readonly body: string;
  /** String attributes; at most ten attributes of all types. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Attributes of other types: Number, Binary, and those that a producer made up. */
  readonly typedAttributes?: Readonly<Record<string, AttributeValue>>;
}

/** A queue, which takes messages in batches and confirms each. */
export interface MessageQueue {
  /**
   * Sends at most 10 messages of 1 MiB together, and gives one receipt for each, in order. It throws as
   * `RecordStream.putBatch` does.
   */
  sendBatch(messages: readonly OutgoingMessage[], timeoutMs: number): Promise<readonly Receipt[]>;
}

/** A queue from which messages were received. */
export interface SourceQueue {
  /**
   * Deletes at most 10 messages by their receipt handles, and gives one receipt for each, in order. It throws as
   * `RecordStream.putBatch` does.
   */
  deleteBatch(receiptHandles: readonly string[], timeoutMs: number): Promise<readonly Receipt[]>;
}

/** The bytes that SQS counts for a message: its body, and the name, type and value of every attribute. */
export function messageBytes({ body, attributes, typedAttributes = {} }: OutgoingMessage): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + 'String'.length + Buffer.byteLength(value);
  }
  for (const [name, { dataType, stringValue = '', binaryValue }] of Object.entries(typedAttributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(dataType);
    bytes += binaryValue === undefined ? Buffer.byteLength(stringValue) : Buffer.byteLength(binaryValue, 'base64');
  }
  return bytes;
}

function messageAttributesOf({ attributes, typedAttributes = {} }: OutgoingMessage) {
  return Object.fromEntries([
    ...Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }] as const),
    ...Object.entries(typedAttributes).map(
      ([name, { dataType, stringValue, binaryValue }]) =>
        [
          name,
          {
            DataType: dataType,
            ...(binaryValue === undefined
              ? { StringValue: stringValue }
              : { BinaryValue: Buffer.from(binaryValue, 'base64') }),
          },
        ] as const,
    ),
  ]);
}

/**
 * Finds the URL of the queue of this account that has this name. It is asked of SQS when it is first needed, and then kept: a
 * deployment knows names before it makes anything, and a URL only afterwards.
 */
function urlOf(name: string, client: SQSClient): (abortSignal: AbortSignal) => Promise<string | undefined> {
  let known: string | undefined;
  return async (abortSignal) =>
    (known ??= (await client.send(new GetQueueUrlCommand({ QueueName: name }), { abortSignal })).QueueUrl);
}

/** One receipt for each of `count` entries, whose ids are their indexes, in whatever order SQS answers. */
function receiptsOf(count: number, { Successful: successful, Failed: failures }: BatchAnswer): readonly Receipt[] {
  const done = new Set(successful?.map(({ Id }) => Id));
  const failed = new Map(failures?.map((failure) => [failure.Id, failure]));
  return Array.from({ length: count }, (_, index): Receipt => {
    const failure = failed.get(String(index));
    if (!failure && done.has(String(index))) return { ok: true };
    return { ok: false, code: failure?.Code ?? 'NO_RECEIPT', message: failure?.Message ?? 'not accepted' };
  });
}

interface BatchAnswer {
  readonly Successful?: { readonly Id: string | undefined }[] | undefined;
  readonly Failed?: BatchResultErrorEntry[] | undefined;
}

/** A client that does not retry by itself: `deliver` sends again what was not taken, and no more. */
export function sqsSendClient(settings: Pick<ClientSettings, 'region'> = {}): SQSClient {
  return new SQSClient(clientOptions({ ...settings, maxAttempts: 1 }));
}

/** @param name the queue's name, or its URL */
export function sqsQueue(name: string | { readonly url: string }, client: SQSClient = sqsSendClient()): MessageQueue {
  const findUrl = typeof name === 'string' ? urlOf(name, client) : () => Promise.resolve(name.url);
  return {
    async sendBatch(messages, timeoutMs) {
      const abortSignal = AbortSignal.timeout(timeoutMs);
      const answer = await client.send(
        new SendMessageBatchCommand({
          QueueUrl: await findUrl(abortSignal),
          Entries: messages.map((message, index) => ({
            Id: String(index),
            MessageBody: message.body,
            MessageAttributes: messageAttributesOf(message),
          })),
        }),
        { abortSignal },
      );
      return receiptsOf(messages.length, answer);
    },
  };
}

export function sqsSourceQueue(
  name: string,
  client: SQSClient = new SQSClient(clientOptions({ maxAttempts: 1 })),
): SourceQueue {
  const findUrl = urlOf(name, client);
  return {
    async deleteBatch(receiptHandles, timeoutMs) {
      const abortSignal = AbortSignal.timeout(timeoutMs);
      const answer = await client.send(
        new DeleteMessageBatchCommand({
          QueueUrl: await findUrl(abortSignal),
          Entries: receiptHandles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
        }),
        { abortSignal },
      );
      return receiptsOf(receiptHandles.length, answer);
    },
  };
}
