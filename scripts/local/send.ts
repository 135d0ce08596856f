/** Sends events to the ingest queue as a producer does: by SendMessageBatch, at most 10 messages and 1 MiB in a call. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { withoutByteOrderMark } from '../../packages/common/src/core/envelope/payload-text';
import { readEnvelope } from '../../packages/common/src/core/envelope/read-envelope';
import { connect, output } from './clients';
import { UserError } from './errors';
import type { Stack } from './stack';

const BATCH_COUNT = 10;
const BATCH_BYTES = 1_048_576;
const CONCURRENCY = 8;

export interface Message {
  readonly body: string;
  /** The value of the message attribute `topic_name`. */
  readonly topic?: string;
  /** The line of the file that it was read from, from 1. */
  readonly line?: number;
}

export interface Refusal {
  /** The message's index in the list that was sent. */
  readonly index: number;
  readonly reason: string;
}

export interface SendResult {
  readonly accepted: number;
  /** The id that SQS gave each message, by the message's index in the list that was sent. */
  readonly ids: ReadonlyMap<number, string>;
  readonly refused: readonly Refusal[];
}

/** The name of a file that stands for standard input. */
export const STANDARD_INPUT = '-';

/**
 * The lines of an NDJSON file, or of standard input, as messages, without blank lines. The text of a line is sent as it is, but
 * for a byte order mark with which the file begins.
 *
 * @throws {UserError} when the file cannot be read
 */
export async function readMessages(file: string, topic: string | undefined): Promise<Message[]> {
  const messages: Message[] = [];
  try {
    const input = file === STANDARD_INPUT ? process.stdin : createReadStream(file, 'utf8');
    let line = 0;
    for await (const read of createInterface({ input, crlfDelay: Infinity })) {
      line += 1;
      const body = line === 1 ? withoutByteOrderMark(read) : read;
      if (body.trim() !== '') messages.push({ body, line, ...(topic !== undefined && { topic }) });
    }
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'is not there.'
        : `cannot be read: ${(error as Error).message}`;
    throw new UserError(`${file} ${reason}`, { cause: error });
  }
  return messages;
}

/** The topic whose message this is, for the count of received ones; undefined when it can only be refused. */
export function topicOf({ body, topic: topicAttribute }: Message): string | undefined {
  const arrival = { body, topicAttribute, messageId: '', sentAt: 0n, receivedAt: 0n };
  const read = readEnvelope(arrival, { maxClockSkew: 0n });
  return read.ok ? read.envelope.topic : undefined;
}

interface Entry {
  readonly index: number;
  readonly message: Message;
}

function bytesOf(message: Message): number {
  return (
    Buffer.byteLength(message.body) +
    (message.topic === undefined ? 0 : Buffer.byteLength(`topic_nameString${message.topic}`))
  );
}

/** The messages in batches that SendMessageBatch takes, in their order. */
export function* batches(messages: readonly Message[]): Generator<Entry[]> {
  let batch: Entry[] = [];
  let bytes = 0;
  for (const [index, message] of messages.entries()) {
    const size = bytesOf(message);
    if (batch.length === BATCH_COUNT || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push({ index, message });
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Sends all messages. The result says which ones SQS accepted, and why it refused the others. */
export async function sendMessages(
  stack: Stack,
  messages: readonly Message[],
  progress: (sent: number) => void,
  concurrency = CONCURRENCY,
): Promise<SendResult> {
  const { sqs } = connect(stack);
  const queue = output(stack, 'ingest_queue_url');
  const refused: Refusal[] = [];
  const ids = new Map<number, string>();
  const source = batches(messages);
  const worker = async (): Promise<void> => {
    for (const batch of source) {
      try {
        const entries = batch.map(({ index, message }) => ({
          Id: String(index),
          MessageBody: message.body,
          ...(message.topic === undefined
            ? {}
            : { MessageAttributes: { topic_name: { DataType: 'String', StringValue: message.topic } } }),
        }));
        const response = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries: entries }));
        for (const taken of response.Successful ?? []) ids.set(Number(taken.Id), taken.MessageId ?? '');
        for (const failed of response.Failed ?? [])
          refused.push({ index: Number(failed.Id), reason: `${failed.Code ?? ''} ${failed.Message ?? ''}`.trim() });
      } catch (error) {
        for (const { index } of batch) refused.push({ index, reason: (error as Error).message });
      }
      progress(ids.size + refused.length);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { accepted: ids.size, ids, refused: refused.sort((a, b) => a.index - b.index) };
}
