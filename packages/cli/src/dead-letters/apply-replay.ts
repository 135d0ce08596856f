/** Sends planned letters again, and notes on each that it was sent, after the receiver has confirmed it. */
import { messageBytes, SQS_BATCH_LIMITS, type OutgoingMessage } from '@lean-ops/common/aws';
import { deliver, mapLimit, type DeliveryContext } from '@lean-ops/common/core';
import type { OperatedDeployment } from '../pipeline/deployment';
import { explaining } from '../pipeline/explain-aws-errors';
import type { Interruption, Redeliverer } from '../pipeline/redeliverer';
import { prepareReplay, readArchived } from './archived-message';
import { deadLetterOf, type DeadLetter } from './dead-letter';
import { isAsPlanned, markSent, markStreamed, readEntry, type LetterOperation } from './marks';
import {
  NO_ANSWER,
  resendEntry,
  type ResendAnswer,
  type ReplayPlan,
  type SendableEntry,
  type SendableLetter,
} from './plan-replay';

/** How fast, and until when. */
export interface Pace {
  /** Messages a second. */
  readonly rate: number;
  /** Seconds: no more is sent while the oldest message of the ingest queue is older. */
  readonly maxAge: number;
}

/** Why sending ended before the plan was done. */
export type Stopped =
  | { readonly code: 'INTERRUPTED' }
  | { readonly code: 'INGEST_AGE'; readonly seconds: number }
  | { readonly code: 'NOT_TAKEN'; readonly reason: string };

export interface Sent {
  /** Messages that the queue has confirmed, and records that the stream has. */
  readonly sent: number;
  /** Of these, letters and entries on which it could not be noted, as they are gone or somebody else has dealt with them. */
  readonly unnoted: number;
  /** Letters that somebody has dealt with since the plan, or whose message is gone. */
  readonly skipped: number;
  /** Messages that the queue did not take, and records that the stream did not, by code. */
  readonly left: Readonly<Record<string, number>>;
  readonly stopped: Stopped | undefined;
}

/** Letters that are in memory at a time. */
const SLICE_COUNT = 50;
const SLICE_BYTES = 16 * 1024 * 1024;
const CONCURRENCY = 8;
const SEND_CONCURRENCY = 2;
const SEND_ATTEMPTS = 8;
const SLICE_MS = 60_000;
const CALL_TIMEOUT_MS = 10_000;
const BACKOFF = { baseMs: 200, capMs: 5_000 } as const;
/** CloudWatch has the age of the queue by the minute, a little late. */
const AGE_EVERY_MS = 30_000;
const AGE_WINDOW_MS = 5 * 60_000;
const PROGRESS_EVERY_MS = 5_000;

export interface Sending {
  readonly operation: LetterOperation;
  readonly topicAs: string | undefined;
  readonly pace: Pace;
  readonly deployment: OperatedDeployment;
  readonly redeliverer: Redeliverer;
  readonly interruption: Interruption;
  /** Hears of progress every few seconds. */
  readonly onProgress: (sent: number) => void;
}

/**
 * Sends what was planned. Killed at any moment, it is simply run again: what was sent and not noted is sent once more, as the same
 * message.
 */
export async function applyReplay(
  { letters, entries }: Pick<ReplayPlan, 'letters' | 'entries'>,
  sending: Sending,
): Promise<Sent> {
  const run = new Run(sending);
  for (const slice of slicesOf(letters, sending.pace)) {
    if (await run.isOver()) break;
    await run.sendLetters(slice);
  }
  for (const entry of entries) {
    if (await run.isOver()) break;
    await run.sendEntry(entry);
  }
  return run.result();
}

/** @yields letters that fit into memory together */
function* slicesOf(letters: readonly SendableLetter[], { rate }: Pace): Generator<readonly SendableLetter[]> {
  const most = Math.min(SLICE_COUNT, Math.max(1, Math.floor(rate)));
  let slice: SendableLetter[] = [];
  let bytes = 0;
  for (const one of letters) {
    if (slice.length >= most || (slice.length > 0 && bytes + one.letter.bodyBytes > SLICE_BYTES)) {
      yield slice;
      [slice, bytes] = [[], 0];
    }
    slice.push(one);
    bytes += one.letter.bodyBytes;
  }
  if (slice.length > 0) yield slice;
}

interface Ready {
  readonly letter: DeadLetter;
  readonly outgoing: OutgoingMessage;
}

class Run {
  readonly #sending: Sending;
  readonly #startedMs: number;
  #sent = 0;
  /** Messages whose pace counts: records for the stream have that of stream-error-reader. */
  #paced = 0;
  #unnoted = 0;
  #skipped = 0;
  readonly #left = new Map<string, number>();
  #stopped: Stopped | undefined;
  #ageReadMs = -Infinity;
  #toldMs: number;

  constructor(sending: Sending) {
    this.#sending = sending;
    this.#startedMs = this.#toldMs = sending.redeliverer.clock.now();
  }

  result(): Sent {
    return {
      sent: this.#sent,
      unnoted: this.#unnoted,
      skipped: this.#skipped,
      left: Object.fromEntries(this.#left),
      stopped: this.#stopped,
    };
  }

  /** Whether to send no more. */
  async isOver(): Promise<boolean> {
    if (this.#stopped !== undefined) return true;
    const { interruption, pace, redeliverer } = this.#sending;
    if (interruption.asked()) {
      this.#stopped = { code: 'INTERRUPTED' };
      return true;
    }
    const now = redeliverer.clock.now();
    if (now - this.#ageReadMs < AGE_EVERY_MS) return false;
    this.#ageReadMs = now;
    const seconds = await ingestAge(this.#sending, now);
    if (seconds === undefined || seconds <= pace.maxAge) return false;
    this.#stopped = { code: 'INGEST_AGE', seconds };
    return true;
  }

  async sendLetters(slice: readonly SendableLetter[]): Promise<void> {
    const { operation, deployment, redeliverer } = this.#sending;
    const { clock, random } = redeliverer;
    await this.#keepPace();
    const prepared = await mapLimit(slice, CONCURRENCY, ({ letter }) => this.#prepare(letter));
    const ready = prepared.filter((one) => one !== undefined);
    this.#skipped += prepared.length - ready.length;
    const endsMs = clock.now() + SLICE_MS;
    const context: DeliveryContext = {
      remainingMs: () => endsMs - clock.now(),
      sleep: (milliseconds) => clock.sleep(milliseconds),
      random,
    };
    const report = await deliver(
      ready,
      {
        ...SQS_BATCH_LIMITS,
        sizeOf: ({ outgoing }) => messageBytes(outgoing),
        send: (batch, timeoutMs) =>
          redeliverer.ingest.sendBatch(
            batch.map(({ outgoing }) => outgoing),
            timeoutMs,
          ),
        concurrency: SEND_CONCURRENCY,
        maxAttempts: SEND_ATTEMPTS,
        backoff: BACKOFF,
        callTimeoutMs: CALL_TIMEOUT_MS,
      },
      context,
    );
    const at = new Date(clock.now()).toISOString();
    const noted = await mapLimit(report.taken, CONCURRENCY, ({ letter }) =>
      markSent(letter, operation, at, deployment.archiveTable, redeliverer),
    );
    this.#count(report.taken.length, noted);
    for (const { code } of report.left) this.#leave(code, 1);
    const [first] = report.left;
    if (first !== undefined && report.taken.length === 0) {
      this.#stopped = { code: 'NOT_TAKEN', reason: `${first.code}: ${first.message}` };
    }
    this.#paced += report.taken.length;
  }

  /** The message of a letter as it is now; undefined where there is nothing to send any more. */
  async #prepare(planned: DeadLetter): Promise<Ready | undefined> {
    const { operation, topicAs, deployment, redeliverer } = this.#sending;
    const { objects, clock } = redeliverer;
    const entry = await readEntry(planned, deployment.archiveTable, redeliverer);
    if (!isAsPlanned(entry, planned)) return undefined;
    const read = readArchived((await objects.get(deployment.archiveBucket, planned.s3Key))?.body, planned.s3Key);
    if (!read.ok) return undefined;
    const prepared = prepareReplay(read.message, { topicAs, operation: operation.operationId }, clock.now());
    return prepared.ok ? { letter: planned, outgoing: prepared.outgoing } : undefined;
  }

  async sendEntry({ letter, records, from: planned }: SendableEntry): Promise<void> {
    const { deployment, redeliverer } = this.#sending;
    const entry = await readEntry(letter, deployment.archiveTable, redeliverer);
    if (!isAsPlanned(entry, letter)) {
      this.#skipped += 1;
      return;
    }
    let from = planned;
    let refusals = 0;
    for (;;) {
      let answer: ResendAnswer;
      try {
        answer = await resendEntry(letter, redeliverer.streamErrors, { dryRun: false, from });
      } catch {
        this.#leave(NO_ANSWER, records);
        return;
      }
      const { resent, left, refused, left_because: because, next } = answer;
      this.#sent += resent;
      refusals += refused.length;
      this.#tell();
      // What is left has no time in one run of the function; the next one goes on there, also when the command is run again.
      if (left > 0 && next !== undefined && next !== from && !(await this.isOver())) {
        from = next;
        continue;
      }
      for (const { code, records } of because) this.#leave(code, records);
      // Where some was refused, now or before, the entry stays open, and says so.
      const noted = left === 0 && refusals === 0 ? await this.#noteEntry(letter) : true;
      this.#count(0, [noted]);
      return;
    }
  }

  /** @returns false for an entry that is gone */
  async #noteEntry(letter: DeadLetter): Promise<boolean> {
    const { operation, deployment, redeliverer } = this.#sending;
    if (await markStreamed(letter, operation, deployment.archiveTable, redeliverer)) return true;
    const entry = await readEntry(letter, deployment.archiveTable, redeliverer);
    return entry !== undefined && deadLetterOf(entry).refused !== undefined;
  }

  #count(sent: number, noted: readonly boolean[]): void {
    this.#sent += sent;
    this.#unnoted += noted.filter((one) => !one).length;
    this.#tell();
  }

  #leave(code: string, count: number): void {
    this.#left.set(code, (this.#left.get(code) ?? 0) + count);
  }

  #tell(): void {
    const now = this.#sending.redeliverer.clock.now();
    if (now - this.#toldMs < PROGRESS_EVERY_MS) return;
    this.#toldMs = now;
    this.#sending.onProgress(this.#sent);
  }

  async #keepPace(): Promise<void> {
    const { pace, redeliverer } = this.#sending;
    const dueMs = this.#startedMs + (this.#paced / pace.rate) * 1_000;
    const waitMs = Math.ceil(dueMs - redeliverer.clock.now());
    if (waitMs > 0) await redeliverer.clock.sleep(waitMs);
  }
}

/** Seconds that the oldest message of the ingest queue has waited; undefined where CloudWatch does not say. */
async function ingestAge(
  { deployment, redeliverer }: Pick<Sending, 'deployment' | 'redeliverer'>,
  now: number,
): Promise<number | undefined> {
  const metric = {
    namespace: 'AWS/SQS',
    name: 'ApproximateAgeOfOldestMessage',
    dimensions: { QueueName: deployment.ingestQueueUrl.split('/').at(-1) ?? '' },
  };
  return explaining(
    'cloudwatch:GetMetricData',
    'metrics',
    redeliverer.metrics.newestMaximum(metric, now - AGE_WINDOW_MS, now),
  );
}
