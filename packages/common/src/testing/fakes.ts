import type { ArchiveEntry, ArchiveIndex } from '../aws/archive-index';
import type { AttemptLog } from '../aws/attempts';
import type { Idempotency } from '../aws/idempotency';
import type { RecordStream } from '../aws/firehose';
import type { LambdaLog, LogFields } from '../aws/logger';
import type { MetricsPort } from '../aws/metrics';
import type { MessageQueue, OutgoingMessage, SourceQueue } from '../aws/sqs';
import type { Clock } from '../aws/runtime';
import type { Receipt } from '../core/delivery/deliver';

const TAKEN: Receipt = { ok: true };

/** A line that recordingLog keeps. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export function recordingLog(): LambdaLog & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  return { lines, bind: () => undefined, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Metrics that keep sums by name, and count the calls of `flush`. */
export function recordingMetrics(): MetricsPort & { readonly counts: Record<string, number>; flushes: number } {
  /** Metrics with further dimensions stand under their name and the values of those, in order. */
  const counts: Record<string, number> = {};
  const add = (name: string, value = 1): void => {
    counts[name] = (counts[name] ?? 0) + value;
  };
  return {
    counts,
    flushes: 0,
    count: add,
    countOf: (dimensions, name, value) => add([name, ...Object.values(dimensions)].join(' '), value),
    millis: add,
    flush() {
      this.flushes++;
    },
  };
}

/**
 * A clock whose time passes only when somebody sleeps or calls `pass`; `slept` holds the milliseconds of each sleep.
 */
export function fakeClock(startMs = 1_795_428_002_000): Clock & { pass(milliseconds: number): void; slept: number[] } {
  let now = startMs;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    pass: (milliseconds) => {
      now += milliseconds;
    },
    sleep: (milliseconds) => {
      slept.push(milliseconds);
      now += milliseconds;
      return Promise.resolve();
    },
  };
}

/**
 * A stream that keeps the records it takes.
 *
 * @param answer gives the receipts of a call (from 1), or throws; by default every record is taken
 */
export function recordingStream(
  answer: (records: readonly Uint8Array[], call: number) => readonly Receipt[] = (records) => records.map(() => TAKEN),
): RecordStream & { readonly calls: (readonly Uint8Array[])[]; readonly taken: Uint8Array[] } {
  const calls: (readonly Uint8Array[])[] = [];
  const taken: Uint8Array[] = [];
  return {
    calls,
    taken,
    async putBatch(records) {
      await Promise.resolve();
      calls.push(records);
      const receipts = answer(records, calls.length);
      records.forEach((record, index) => {
        if (receipts[index]?.ok) taken.push(record);
      });
      return receipts;
    },
  };
}

/**
 * A queue that keeps the messages it takes.
 *
 * @param answer gives the receipts of a call (from 1), or throws; by default every message is taken
 */
export function recordingQueue(
  answer: (messages: readonly OutgoingMessage[], call: number) => readonly Receipt[] = (messages) =>
    messages.map(() => TAKEN),
): MessageQueue & { readonly calls: (readonly OutgoingMessage[])[]; readonly taken: OutgoingMessage[] } {
  const calls: (readonly OutgoingMessage[])[] = [];
  const taken: OutgoingMessage[] = [];
  return {
    calls,
    taken,
    async sendBatch(messages) {
      await Promise.resolve();
      calls.push(messages);
      const receipts = answer(messages, calls.length);
      messages.forEach((message, index) => {
        if (receipts[index]?.ok) taken.push(message);
      });
      return receipts;
    },
  };
}

/** A queue whose messages are deleted by receipt handle; `deleted` holds the handles. */
export function recordingSource(
  answer: (receiptHandles: readonly string[]) => readonly Receipt[] = (handles) => handles.map(() => TAKEN),
): SourceQueue & { readonly deleted: string[] } {
  const deleted: string[] = [];
  return {
    deleted,
    async deleteBatch(receiptHandles) {
      await Promise.resolve();
      const receipts = answer(receiptHandles);
      receiptHandles.forEach((handle, index) => {
        if (receipts[index]?.ok) deleted.push(handle);
      });
      return receipts;
    },
  };
}

/** An attempt log in memory; `begun` holds what was begun and has not ended. */
export function memoryAttempts(): AttemptLog & { readonly begun: Map<string, number> } {
  const begun = new Map<string, number>();
  return {
    begun,
    begin(key) {
      const times = (begun.get(key) ?? 0) + 1;
      begun.set(key, times);
      return Promise.resolve(times);
    },
    end(key) {
      begun.delete(key);
      return Promise.resolve();
    },
  };
}

/** An archive index in memory, by topic and sort key. */
export function memoryArchiveIndex(): ArchiveIndex & { readonly entries: Map<string, ArchiveEntry> } {
  const entries = new Map<string, ArchiveEntry>();
  return {
    entries,
    put: (entry) => {
      const key = `${entry.topic_name}/${entry.failed_at_message_id}`;
      if (!entries.has(key)) entries.set(key, entry);
      return Promise.resolve();
    },
  };
}

/** Idempotency that keeps the keys of finished work in memory. */
export function memoryIdempotency(): Idempotency & { readonly done: Set<string> } {
  const done = new Set<string>();
  return {
    done,
    async once(key, work) {
      if (done.has(key)) return 'done before';
      await work();
      done.add(key);
      return 'done';
    },
  };
}
