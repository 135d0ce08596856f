/** The ingest path and `lean-ops dlq` in memory: the real functions and commands over one queue, one archive and one stream. */
import {
  fakeClock,
  memoryArchive,
  memoryAttempts,
  memoryDocuments,
  memoryIdempotency,
  memoryObjects,
  recordingLog,
  recordingMetrics,
  recordingSource,
  recordingStream,
  sqsRecord,
  type Interruption,
} from '../../../packages/common/src/testing';
import type { MessageQueue, OutgoingMessage } from '../../../packages/common/src/aws';
import {
  absent,
  decodeRecord,
  LETTER_OPERATIONS,
  type Document,
  type DocumentValue,
  type RecordHeader,
} from '../../../packages/common/src/core';
import type { Redeliverer } from '../../../packages/cli/src/pipeline/redeliverer';
import { OPERATED_OUTPUTS, workspace } from '../../../packages/cli/tests/workspace';
import { archiveBatch } from '../../../packages/dlq-archiver/src/archive-batch';
import { processBatch } from '../../../packages/sqs-processor/src/process-batch';
import type { SQSRecord } from 'aws-lambda';

const TABLE = OPERATED_OUTPUTS.dlq_archive_table;
const BUCKET = OPERATED_OUTPUTS.dlq_archive_bucket;
const DAY_MS = 86_400_000;

/** A message that waits in a queue. */
interface Waiting {
  readonly id: string;
  readonly sentAt: number;
  readonly message: OutgoingMessage;
  firstReceivedAt?: number;
}

export interface RawRow extends RecordHeader {
  readonly payload: string;
}

export function world(startMs = Date.parse('2026-11-23T10:00:00Z')) {
  const clock = fakeClock(startMs);
  const documents = memoryDocuments({ [TABLE]: ['topic_name', 'failed_at_message_id'] });
  const objects = memoryObjects();
  const idempotency = memoryIdempotency();
  const log = recordingLog();
  const metrics = recordingMetrics();
  const queue: Waiting[] = [];
  const rows: RawRow[] = [];
  const resends: DocumentValue[] = [];
  let ids = 0;
  let age: number | undefined;
  let answer: (event: DocumentValue) => unknown = () => ({ resent: 0, left: 0, refused: [], left_because: [] });

  const put = (message: OutgoingMessage): string => {
    ids += 1;
    const id = `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`;
    queue.push({ id, sentAt: clock.now(), message });
    return id;
  };
  const ingest: MessageQueue = {
    sendBatch: async (messages) => {
      await Promise.resolve();
      return messages.map((message) => {
        put(message);
        return { ok: true };
      });
    },
  };
  const recordOf = (waiting: Waiting, receives = 1): SQSRecord => {
    const { id, sentAt, message } = waiting;
    const firstReceivedAt = (waiting.firstReceivedAt ??= clock.now());
    const record = sqsRecord({
      messageId: id,
      body: message.body,
      messageAttributes: message.attributes,
      attributes: {
        SentTimestamp: String(sentAt),
        ApproximateFirstReceiveTimestamp: String(firstReceivedAt),
        ApproximateReceiveCount: String(receives),
      },
    });
    for (const [name, { dataType, stringValue, binaryValue }] of Object.entries(message.typedAttributes ?? {})) {
      record.messageAttributes[name] = {
        dataType,
        ...(stringValue !== undefined && { stringValue }),
        ...(binaryValue !== undefined && { binaryValue }),
      };
    }
    return record;
  };
  const archive = async (records: readonly SQSRecord[]): Promise<void> => {
    const index = {
      put: async (entry: object) => {
        await documents.put(TABLE, entry as Document, absent('failed_at_message_id'));
      },
    };
    await archiveBatch(
      records,
      { archiveBucket: BUCKET, concurrency: 4, entryDays: 0 },
      { objects, index, idempotency, log, metrics, clock },
    );
  };
  const entries = (): Document[] =>
    [...documents.documents.values()].filter(({ topic_name: topic }) => topic !== LETTER_OPERATIONS);
  const live = {
    *[Symbol.iterator]() {
      yield* entries();
    },
  };
  const redeliverer: Redeliverer = {
    objects,
    documents,
    clock,
    athena: { execute: () => Promise.reject(new Error('no')), query: () => Promise.reject(new Error('no')) },
    catalog: { getTable: () => Promise.reject(new Error('no')) },
    archive: memoryArchive(live),
    alarms: { firing: () => Promise.resolve([]) },
    metrics: { newestMaximum: () => Promise.resolve(age) },
    executions: { newest: () => Promise.resolve([]), failureOf: () => Promise.reject(new Error('no')) },
    queues: { depth: () => Promise.resolve({ waiting: 0, inFlight: 0 }) },
    ingest,
    streamErrors: async (event) => {
      await Promise.resolve();
      resends.push(event);
      return answer(event);
    },
    caller: () => Promise.resolve('arn:aws:iam::123456789012:user/op'),
    hex: () => 'ab12cd',
    random: () => 0.5,
    interruption: () => ({ asked: () => false, end: () => undefined }),
  };

  const run = async (redeliver: Redeliverer, args: readonly string[]) => {
    const space = workspace(
      undefined,
      () => redeliver,
      undefined,
      () => redeliver,
    );
    space.write('lean-ops.json', OPERATED_OUTPUTS);
    for (const [name, text] of files) space.write(name, text);
    return space.run('dlq', ...args);
  };
  const files = new Map<string, string>();

  return {
    clock,
    queue,
    rows,
    resends,
    redeliverer,
    documents,
    objects,
    entries,
    files,
    /** The archive key of each letter. */
    keys: (): string[] => entries().map(({ s3_key: key }) => (typeof key === 'string' ? key : '')),
    operations: (): Document[] =>
      [...documents.documents.values()].filter(({ topic_name: topic }) => topic === LETTER_OPERATIONS),
    setAge: (seconds: number | undefined): void => {
      age = seconds;
    },
    setAnswer: (given: typeof answer): void => {
      answer = given;
    },
    seed: (entry: Document): void => documents.seed(TABLE, entry),
    send: (body: string, attributes: Readonly<Record<string, string>> = {}): string => put({ body, attributes }),
    sendMessage: put,
    /** Has sqs-processor take everything that waits, and dlq-archiver what it refuses. */
    process: async (): Promise<void> => {
      const records = queue.splice(0).map((waiting) => recordOf(waiting));
      const deadLetters: OutgoingMessage[] = [];
      const stream = recordingStream();
      const { batchItemFailures } = await processBatch(
        records,
        () => 60_000,
        {
          stream,
          deadLetters: {
            sendBatch: async (messages) => {
              await Promise.resolve();
              deadLetters.push(...messages);
              return messages.map(() => ({ ok: true }));
            },
          },
          source: recordingSource(),
          attempts: memoryAttempts(),
          objects,
          log,
          metrics,
          clock,
          random: () => 0.5,
        },
        {
          overflowBucket: BUCKET,
          concurrency: 4,
          maxAttempts: 3,
          maxClockSkewSeconds: 86_400,
          suspectReceives: 4,
        },
      );
      if (batchItemFailures.length > 0) throw new Error('a message was left');
      for (const frame of stream.taken) {
        const read = decodeRecord(Buffer.from(frame));
        if (!read.ok) throw new Error(read.message);
        rows.push({ ...read.header, payload: read.payload.toString('utf8') });
      }
      ids += 1;
      await archive(
        deadLetters.map((message, at) => recordOf({ id: `dlq-${ids}-${at}`, sentAt: clock.now(), message })),
      );
    },
    /**
     * Has the queue give up on everything that waits, after days of receives.
     *
     * @param delivered whether the messages had reached RAW all the same, and only the answers were lost
     */
    giveUp: async (delivered: boolean, process: () => Promise<void>): Promise<void> => {
      const waiting = queue.map((one) => ({ ...one, firstReceivedAt: one.firstReceivedAt ?? clock.now() }));
      if (delivered) await process();
      else queue.splice(0);
      clock.pass(4 * DAY_MS);
      await archive(waiting.map((one) => recordOf(one, 1_000)));
    },
    dlq: (...args: string[]) => run(redeliverer, args),
    dlqWith: (given: Redeliverer, ...args: string[]) => run(given, args),
    /** The same, with every call to a service through a gate that may end the command there. */
    dlqThrough: (gate: Interruption, ...args: string[]) =>
      run(
        {
          ...redeliverer,
          ingest: gate.through(ingest),
          documents: gate.through(documents),
          objects: gate.through(objects),
          archive: gate.through(redeliverer.archive),
        },
        args,
      ),
  };
}

export type World = ReturnType<typeof world>;
