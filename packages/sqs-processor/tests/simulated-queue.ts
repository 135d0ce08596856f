/** A queue whose time is simulated: messages come again when they were not acknowledged, and go to the DLQ by redrive. */
import { messageBytes, type OutgoingMessage } from '@lean-ops/common/aws';
import { decodeRecord, type Receipt } from '@lean-ops/common/core';
import {
  fakeClock,
  memoryAttempts,
  memoryObjects,
  recordingLog,
  recordingMetrics,
  sqsRecord,
} from '@lean-ops/common/testing';
import type { SQSRecord } from 'aws-lambda';
import type { Collaborators } from '../src/handle-messages';
import { processBatch } from '../src/process-batch';

const SECOND_MS = 1_000;
const THROTTLED: Receipt = { ok: false, code: 'ServiceUnavailableException', message: 'slow down' };
/** A payload with this word ends the function when it reaches Firehose. */
export const KILLER = 'ends-the-function';

export interface Settings {
  readonly visibilitySeconds: number;
  readonly maxReceives: number;
  readonly batchSize: number;
  readonly suspectReceives: number;
  readonly timeoutSeconds: number;
}

interface Waiting {
  readonly record: SQSRecord;
  visibleAtMs: number;
  receives: number;
}

/** What Firehose does with a record, and whether the function's host dies under a call. */
export interface Weather {
  /** Whether Firehose throttles, by the seconds that have passed. */
  readonly throttles: (seconds: number) => boolean;
  readonly hostDies: () => boolean;
  /** Of a call that is not throttled as a whole, how many records Firehose takes. */
  readonly takesPerCall?: number;
  readonly firehoseMs?: number;
  /** What happens to a write of an attempt; a slow one takes all the time that it is given, and its answer is lost. */
  readonly write?: () => 'done' | 'refused' | 'slow, and done';
  /** The message that comes when so many have come, and when it comes. */
  readonly arrivals?: {
    readonly everySeconds: number;
    readonly untilSeconds: number;
    readonly body: (n: number) => string;
  };
}

export class SimulatedQueue {
  readonly inStream = new Map<string, number>();
  readonly deadLetters = new Map<string, string>();
  readonly redriven = new Set<string>();
  /** Records that Firehose was asked to take, and did not. */
  refused = 0;
  /** How many messages Firehose took at a receive from which on they are suspects. */
  suspectsTaken = 0;
  arrived = 0;
  private readonly clock = fakeClock();
  private readonly startedMs = this.clock.now();
  private readonly attempts = memoryAttempts();
  private waiting: Waiting[];

  constructor(
    bodies: readonly string[],
    private readonly settings: Settings,
    private readonly weather: Weather,
    private readonly random: () => number,
  ) {
    this.waiting = bodies.map((body) => ({ record: sqsRecord({ body }), visibleAtMs: 0, receives: 0 }));
  }

  get ids(): string[] {
    return this.waiting.map(({ record }) => record.messageId);
  }

  get seconds(): number {
    return (this.clock.now() - this.startedMs) / SECOND_MS;
  }

  /** Runs one batch after the other until the queue is empty, or `seconds` have passed. */
  async run(seconds: number): Promise<void> {
    this.arrive();
    while (this.waiting.length > 0 && this.seconds < seconds) {
      const visible = this.waiting.filter(({ visibleAtMs }) => visibleAtMs <= this.clock.now());
      if (visible.length > 0) await this.deliver(this.take(visible));
      else this.clock.pass(Math.min(...this.waiting.map(({ visibleAtMs }) => visibleAtMs)) - this.clock.now());
      this.arrive();
    }
  }

  private arrive(): void {
    const { arrivals } = this.weather;
    if (arrivals === undefined) return;
    const due = Math.min(this.seconds, arrivals.untilSeconds) / arrivals.everySeconds;
    for (; this.arrived < due; this.arrived++) {
      this.waiting.push({ record: sqsRecord({ body: arrivals.body(this.arrived) }), visibleAtMs: 0, receives: 0 });
    }
  }

  private take(visible: Waiting[]): Waiting[] {
    const { batchSize, maxReceives, visibilitySeconds } = this.settings;
    const batch: Waiting[] = [];
    while (visible.length > 0 && batch.length < batchSize) {
      const [message] = visible.splice(Math.floor(this.random() * visible.length), 1);
      if (message === undefined) break;
      message.receives++;
      message.visibleAtMs = this.clock.now() + visibilitySeconds * SECOND_MS;
      if (message.receives <= maxReceives) batch.push(message);
      else {
        this.redriven.add(message.record.messageId);
        this.remove(new Set([message.record.messageId]));
      }
    }
    return batch;
  }

  private remove(ids: ReadonlySet<string>): void {
    this.waiting = this.waiting.filter(({ record }) => !ids.has(record.messageId));
  }

  private async deliver(batch: readonly Waiting[]): Promise<void> {
    const records = batch.map(({ record, receives }) => ({
      ...record,
      attributes: { ...record.attributes, ApproximateReceiveCount: String(receives) },
    }));
    const deadline = this.clock.now() + this.settings.timeoutSeconds * SECOND_MS;
    const receives = new Map(batch.map((message) => [message.record.messageId, message.receives]));
    const { collaborators, death } = this.invocation(receives);
    const settings = {
      overflowBucket: 'archive',
      concurrency: 4,
      maxAttempts: 8,
      maxClockSkewSeconds: 86_400,
      suspectReceives: this.settings.suspectReceives,
    };
    const answer = await Promise.race([
      processBatch(records, () => deadline - this.clock.now(), collaborators, settings),
      death,
    ]);
    if (answer === 'died' || this.clock.now() > deadline) return;
    const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    this.remove(new Set(records.map(({ messageId }) => messageId).filter((id) => !failed.has(id))));
  }

  /** The collaborators of one invocation. After its death none of them answers any more. */
  private invocation(receives: ReadonlyMap<string, number>): {
    readonly collaborators: Collaborators;
    readonly death: Promise<'died'>;
  } {
    let die: () => void = () => undefined;
    let dead = false;
    const death = new Promise<'died'>((resolve) => {
      die = () => {
        dead = true;
        resolve('died');
      };
    });
    const whileAlive = async <T>(work: () => T | Promise<T>): Promise<T> => {
      if (!dead && this.weather.hostDies()) die();
      // Awaited for ever, as an answer to a process that is gone.
      if (dead) await new Promise<never>(() => undefined);
      return work();
    };
    const collaborators: Collaborators = {
      stream: {
        putBatch: (frames, timeoutMs) =>
          whileAlive(async () => {
            const texts = frames.map((frame) => Buffer.from(frame));
            if (texts.some((text) => text.includes(KILLER))) {
              die();
              await new Promise<never>(() => undefined);
            }
            const takesMs = this.weather.firehoseMs ?? 0;
            this.clock.pass(Math.min(takesMs, timeoutMs));
            if (takesMs > timeoutMs) throw new Error('no answer');
            const takes = this.weather.throttles(this.seconds) ? 0 : (this.weather.takesPerCall ?? Infinity);
            return texts.map((text, index) => {
              if (index >= takes) {
                this.refused++;
                return THROTTLED;
              }
              const read = decodeRecord(text);
              const id = read.ok ? read.header.sourceMessageId : 'unreadable';
              this.inStream.set(id, (this.inStream.get(id) ?? 0) + 1);
              if ((receives.get(id) ?? 0) >= this.settings.suspectReceives) this.suspectsTaken++;
              return { ok: true };
            });
          }),
      },
      deadLetters: {
        sendBatch: (messages) => whileAlive(() => messages.map((message) => this.keep(message))),
      },
      source: {
        deleteBatch: (handles) =>
          whileAlive(() => {
            const gone = new Set(handles);
            const ids = this.waiting.filter(({ record }) => gone.has(record.receiptHandle)).map(({ record }) => record);
            this.remove(new Set(ids.map(({ messageId }) => messageId)));
            return handles.map(() => ({ ok: true }));
          }),
      },
      attempts: {
        begin: (key, timeoutMs) => whileAlive(() => this.write(() => this.attempts.begin(key, timeoutMs), timeoutMs)),
        end: (key, timeoutMs) => whileAlive(() => this.write(() => this.attempts.end(key, timeoutMs), timeoutMs)),
      },
      objects: memoryObjects(),
      log: recordingLog(),
      metrics: recordingMetrics(),
      clock: this.clock,
      random: this.random,
    };
    return { collaborators, death };
  }

  private async write<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
    const fate = this.weather.write?.() ?? 'done';
    if (fate === 'refused') throw new Error('refused');
    const answer = await work();
    if (fate === 'done') return answer;
    this.clock.pass(timeoutMs);
    throw new Error('no answer');
  }

  private keep(message: OutgoingMessage): Receipt {
    if (messageBytes(message) > 1_048_576) return THROTTLED;
    this.deadLetters.set(message.attributes['source_message_id'] ?? '', message.attributes['error_code'] ?? '');
    return { ok: true };
  }
}
