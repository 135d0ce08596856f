import { frameDelivery } from '@lean-ops/common/aws';
import type {
  AttemptLog,
  Clock,
  Log,
  MessageQueue,
  MetricsPort,
  ObjectStore,
  RecordStream,
  SourceQueue,
} from '@lean-ops/common/aws';
import {
  decodeMessage,
  deliver,
  messageOf,
  microsFromMillis,
  type DeliveryContext,
  type FramedMessage,
  type Micros,
} from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';
import { deadLetter, type DeadLetterSettings, type PermanentFailure } from './dead-letter';

const BACKOFF = { baseMs: 100, capMs: 5_000 } as const;
const CALL_TIMEOUT_MS = 5_000;

export interface Collaborators {
  readonly stream: RecordStream;
  readonly deadLetters: MessageQueue;
  readonly source: SourceQueue;
  readonly attempts: AttemptLog;
  readonly objects: ObjectStore;
  readonly log: Log;
  readonly metrics: MetricsPort;
  readonly clock: Clock;
  /** A random number, uniform in [0, 1). */
  readonly random: () => number;
}

export interface BatchSettings extends DeadLetterSettings {
  /** How many seconds after its receipt a message may say that it was produced. */
  readonly maxClockSkewSeconds: number;
  /** From how many receives on a message is handled apart from others (`suspects.ts`). */
  readonly suspectReceives: number;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What became of messages. Each is settled or has a failure. */
export interface Handled {
  /** Messages that Firehose or the DLQ has confirmed. */
  readonly settled: readonly SQSRecord[];
  readonly failures: readonly Failure[];
  readonly deadLettered: readonly PermanentFailure[];
  readonly accepted: number;
  /** How many records Firehose was to take and did not. */
  readonly notAccepted: number;
  readonly resent: number;
  readonly overflowed: number;
  readonly firehoseCalls: number;
}

/** How often SQS has delivered the message, this time included. */
export function receivesOf({ attributes }: SQSRecord): number {
  return Number(attributes.ApproximateReceiveCount);
}

interface SortedMessages {
  readonly framed: FramedMessage<SQSRecord>[];
  readonly permanent: PermanentFailure[];
  readonly failures: Failure[];
}

function decodeMessages(
  records: readonly SQSRecord[],
  receivedAt: Micros,
  { maxClockSkewSeconds, suspectReceives }: BatchSettings,
): SortedMessages {
  const settings = { maxClockSkew: microsFromMillis(maxClockSkewSeconds * 1_000) };
  const sorted: SortedMessages = { framed: [], permanent: [], failures: [] };
  for (const record of records) {
    try {
      const decoded = decodeMessage(record, receivedAt, settings);
      if (decoded.kind === 'framed') sorted.framed.push(decoded);
      else sorted.permanent.push(decoded);
    } catch (error) {
      // An unforeseen error is ours, and must cost neither the other messages nor this one, which stays in the queue. Decoding
      // depends on nothing but the message, so an error that comes each time comes always.
      if (receivesOf(record) >= suspectReceives) {
        sorted.permanent.push(unreadable(record, 'UNEXPECTED', messageOf(error)));
      } else {
        sorted.failures.push({ code: 'UNEXPECTED', message: messageOf(error) });
      }
    }
  }
  return sorted;
}

/** A permanent failure of a message of which nothing is read any more. */
export function unreadable(record: SQSRecord, code: PermanentFailure['code'], reason: string): PermanentFailure {
  // SQS refuses an attribute that is empty or has control characters.
  const message = reason.replace(/[^ -~]/g, '?') || 'without a reason';
  return { kind: 'permanent', record, topic: undefined, traceId: record.messageId, code, message };
}

/** Delivers each message to Firehose or to the DLQ. It acknowledges nothing. */
export async function handleMessages(
  records: readonly SQSRecord[],
  context: DeliveryContext,
  collaborators: Collaborators,
  settings: BatchSettings,
): Promise<Handled> {
  const startedMs = collaborators.clock.now();
  const sorted = decodeMessages(records, microsFromMillis(startedMs), settings);
  return settle(sorted, startedMs, context, collaborators, settings);
}

/** Hands messages to the DLQ without reading them. */
export async function refuseUnread(
  letters: readonly PermanentFailure[],
  context: DeliveryContext,
  collaborators: Collaborators,
  settings: BatchSettings,
): Promise<Handled> {
  const sorted = { framed: [], permanent: [...letters], failures: [] };
  return settle(sorted, collaborators.clock.now(), context, collaborators, settings);
}

async function settle(
  { framed, permanent, failures }: SortedMessages,
  startedMs: number,
  context: DeliveryContext,
  collaborators: Collaborators,
  settings: BatchSettings,
): Promise<Handled> {
  const [accepted, deadLettered] = await Promise.all([
    deliver(
      framed,
      {
        ...frameDelivery(collaborators.stream),
        concurrency: settings.concurrency,
        maxAttempts: settings.maxAttempts,
        backoff: BACKOFF,
        callTimeoutMs: CALL_TIMEOUT_MS,
      },
      context,
    ),
    deadLetter(permanent, startedMs, collaborators, settings, context),
  ]);
  return {
    settled: [...accepted.taken, ...deadLettered.taken].map(({ record }) => record),
    failures: [...failures, ...accepted.left, ...deadLettered.left],
    deadLettered: deadLettered.taken,
    accepted: accepted.taken.length,
    notAccepted: accepted.left.length,
    resent: accepted.resent,
    overflowed: deadLettered.overflowed,
    firehoseCalls: accepted.calls,
  };
}
