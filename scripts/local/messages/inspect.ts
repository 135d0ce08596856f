/** Looks at messages before they are sent: which of them the pipeline cannot make rows of, and what to do about it. */
import { counted } from '../../../packages/cli/src/format/text';
import {
  decodeMessage,
  type DecodedMessage,
  type QueueMessage,
} from '../../../packages/common/src/core/envelope/decode-message';
import { withoutByteOrderMark } from '../../../packages/common/src/core/envelope/payload-text';
import { MAX_RECORD_BYTES } from '../../../packages/common/src/core/envelope/record-frame';
import { scanJson } from '../../../packages/common/src/core/json/scan';
import type { Message } from '../send';

/** SQS takes no message with more bytes. */
const MAX_MESSAGE_BYTES = 1_048_576;
/** Lines that a sentence names. */
const NAMED_LINES = 3;

export type Fault = 'NOT_JSON' | 'NO_TOPIC' | 'INVALID_TOPIC' | 'TOO_LARGE';

export interface Inspection {
  readonly total: number;
  /** The numbers of the lines that have each fault; a line has at most one. */
  readonly faults: ReadonlyMap<Fault, readonly number[]>;
  /** The first topic name that cannot be one, as the function that reads the queue would name it. */
  readonly firstInvalidTopic: string | undefined;
}

export function inspectMessages(messages: readonly Message[]): Inspection {
  const faults = new Map<Fault, number[]>();
  let firstInvalidTopic: string | undefined;
  for (const [index, message] of messages.entries()) {
    const decoded = decode(message);
    const fault = faultOf(message, decoded);
    if (fault === undefined) continue;
    if (fault === 'INVALID_TOPIC' && decoded.kind === 'permanent') firstInvalidTopic ??= decoded.message;
    faults.set(fault, [...(faults.get(fault) ?? []), message.line ?? index + 1]);
  }
  return { total: messages.length, faults, firstInvalidTopic };
}

/** The number of messages that cannot become rows. */
export function faultyMessages({ faults }: Inspection): number {
  return [...faults.values()].reduce((sum, lines) => sum + lines.length, 0);
}

/** A sentence for each fault: how many lines have it, which are the first, and what to do. */
export function describeFaults({ total, faults, firstInvalidTopic }: Inspection): string[] {
  return [...faults].map(([fault, lines]) => {
    const first = lines.slice(0, NAMED_LINES).join(', ');
    const where = `${lines.length === 1 ? 'line' : 'lines'} ${first}${lines.length > NAMED_LINES ? ', …' : ''}`;
    const [one, many, remedy] = WORDS[fault];
    const what = `${lines.length} of ${counted(total, 'line')} ${lines.length === 1 ? one : many} (${where})`;
    return `${what}: ${remedy(firstInvalidTopic)}`;
  });
}

const WORDS: Readonly<
  Record<Fault, readonly [one: string, many: string, remedy: (invalidTopic: string | undefined) => string]>
> = {
  NO_TOPIC: ['has no topic_name', 'have no topic_name', () => 'add --topic TOPIC, or topic_name to the lines.'],
  INVALID_TOPIC: ['has an invalid topic', 'have an invalid topic', (message) => `${message ?? ''}.`],
  NOT_JSON: ['is not JSON', 'are not JSON', () => 'each line has to be one JSON value.'],
  TOO_LARGE: [
    'is too large',
    'are too large',
    () => `a message has at most ${MAX_RECORD_BYTES.toLocaleString('en')} bytes with its envelope.`,
  ],
};

function faultOf({ body }: Message, decoded: DecodedMessage<QueueMessage>): Fault | undefined {
  if (decoded.kind === 'permanent' && decoded.code === 'INVALID_TOPIC') return 'INVALID_TOPIC';
  if (scanJson(withoutByteOrderMark(body)).kind === 'invalid') return 'NOT_JSON';
  if (decoded.kind === 'permanent') return decoded.code === 'NO_TOPIC' ? 'NO_TOPIC' : 'TOO_LARGE';
  return Buffer.byteLength(body) > MAX_MESSAGE_BYTES ? 'TOO_LARGE' : undefined;
}

/** Asks the decoder of the deployed function itself. */
function decode({ body, topic }: Message): DecodedMessage<QueueMessage> {
  const record: QueueMessage = {
    // As long as the ids of SQS, because the id is part of the record whose size counts.
    messageId: '00000000-0000-0000-0000-000000000000',
    body,
    attributes: { SentTimestamp: '0' },
    messageAttributes: topic === undefined ? {} : { topic_name: { stringValue: topic } },
  };
  return decodeMessage(record, 0n, { maxClockSkew: 0n });
}
