/** Runs a soak: sends messages while Firehose fails and the function is killed, and then finds where each of them is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetQueueAttributesCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { connect, output } from '../local/clients';
import { drain, readPending } from '../local/drain';
import { CREDENTIALS, endpointOf, REGION } from '../local/emulator-process';
import { readInjected, setFaults, type FaultPlan, type Injected } from '../local/fault-injection';
import { UserError } from '../local/errors';
import { sendMessages } from '../local/send';
import type { Stack } from '../local/stack';
import { takeAccount, type Account } from './account';
import { findMessages } from './find-messages';
import type { SoakMessage } from './messages';
import { strayNames } from './stray-names';

export const FUNCTION = 'lean-ops-sqs-processor';

/** When less than this share of the messages is under way, faults are turned off, so that the soak comes to an end. */
const SETTLE_SHARE = 0.02;
const SEND_CONCURRENCY = 16;
/** Longest time without progress. It is longer than a message needs to be received as often as the queue allows. */
const STALLED_MS = 300_000;

export interface SoakOptions {
  readonly messages: readonly SoakMessage[];
  readonly faults: FaultPlan;
  /** How long the messages of a killed batch stay away. Batches would overlap if it were below the function's timeout. */
  readonly visibilitySeconds: number;
}

export interface Batches {
  readonly invocations: number;
  /** Batches whose function lived to log its result. */
  readonly finished: number;
  readonly firehoseCalls: number;
  readonly resent: number;
}

export interface SoakResult {
  readonly account: Account;
  readonly batches: Batches;
  readonly injected: Injected;
  readonly sendSeconds: number;
  /** Seconds until everything was at rest. */
  readonly seconds: number;
  /** A sentence for each law that does not hold. The name is part of `pnpm soak --json`. */
  readonly faults: readonly string[];
}

/** Runs the soak. Afterwards the stack is as before, whatever happened: without faults, and with the queue's own timeout. */
export async function soak(stack: Stack, options: SoakOptions, progress: (line: string) => void): Promise<SoakResult> {
  await drain(stack, () => undefined);
  const [before, injectedBefore] = await Promise.all([findMessages(stack), readInjected(stack.port)]);
  const started = Date.now();
  const restore = await withVisibility(stack, options.visibilitySeconds);
  const undo = async (): Promise<unknown> => Promise.all([setFaults(stack.port, {}), restore()]);
  let result: SoakResult;
  try {
    await setFaults(stack.port, options.faults);
    const sent = await send(stack, options.messages, progress);
    const sendSeconds = (Date.now() - started) / 1000;
    await untilNearlyDone(stack, Math.floor(sent.size * SETTLE_SHARE), progress);
    await setFaults(stack.port, {});
    await drain(stack, (now) => progress(`settling: queue ${now.queue}, Firehose ${now.firehose}, DLQ ${now.dlq}`));
    const seconds = (Date.now() - started) / 1000;
    progress('counting');
    const [found, batches, injected, stray] = await Promise.all([
      findMessages(stack, before),
      readBatches(stack, started),
      readInjected(stack.port),
      strayNames(stack),
    ]);
    const account = takeAccount(sent, found);
    result = {
      account,
      batches,
      injected: difference(injected, injectedBefore),
      sendSeconds,
      seconds,
      faults: [...account.faults, ...stray],
    };
  } catch (error) {
    // A stack that is gone cannot be restored either, and the reader needs the first error.
    await undo().catch(() => undefined);
    throw error;
  }
  await undo();
  return result;
}

/** Sends the messages and returns, for each SQS message id, whether the message has to be refused. */
async function send(
  stack: Stack,
  messages: readonly SoakMessage[],
  progress: (line: string) => void,
): Promise<Map<string, boolean>> {
  const report = (done: number): void => progress(`${done} of ${messages.length} messages sent`);
  const { ids, refused } = await sendMessages(stack, messages, report, SEND_CONCURRENCY);
  const [first] = refused;
  // A refused message may have been taken after all, but it has no id by which it could be found.
  if (first !== undefined)
    throw new UserError(`SQS refused ${refused.length} messages; message ${first.index + 1}: ${first.reason}`);
  return new Map([...ids].map(([index, id]) => [id, messages[index]?.refused === true]));
}

async function withVisibility(stack: Stack, seconds: number): Promise<() => Promise<void>> {
  const { sqs } = connect(stack);
  const queue = { QueueUrl: output(stack, 'ingest_queue_url') };
  const { Attributes: was } = await sqs.send(
    new GetQueueAttributesCommand({ ...queue, AttributeNames: ['VisibilityTimeout'] }),
  );
  const set = async (value: string): Promise<void> => {
    await sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: { VisibilityTimeout: value } }));
  };
  await set(String(seconds));
  return async () => set(was?.VisibilityTimeout ?? '30');
}

async function untilNearlyDone(stack: Stack, rest: number, progress: (line: string) => void): Promise<void> {
  let least = Infinity;
  let since = Date.now();
  for (;;) {
    const now = await readPending(stack);
    progress(`under way: queue ${now.queue}, Firehose ${now.firehose}, DLQ ${now.dlq}`);
    if (now.queue <= rest) return;
    if (now.queue < least) [least, since] = [now.queue, Date.now()];
    if (Date.now() - since > STALLED_MS)
      throw new UserError(
        `The queue has not become shorter than ${least} messages for ${STALLED_MS / 1000} s. See ${stack.paths.emulatorLog}.`,
      );
    await sleep(500);
  }
}

/** Reads from the function's log what its batches did since `since`, in epoch milliseconds. */
async function readBatches(stack: Stack, since: number): Promise<Batches> {
  const logs = new CloudWatchLogsClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });
  const lines = async (filterPattern: string): Promise<string[]> => {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const page = await logs.send(
        new FilterLogEventsCommand({
          logGroupName: `/aws/lambda/${FUNCTION}`,
          filterPattern,
          startTime: since,
          ...(token === undefined ? {} : { nextToken: token }),
        }),
      );
      found.push(...(page.events ?? []).map(({ message }) => message ?? ''));
      token = page.nextToken;
    } while (token !== undefined);
    return found;
  };
  const [starts, handled] = await Promise.all([lines('"START RequestId"'), lines('"batch handled"')]);
  const batches = handled.map((line) => JSON.parse(line) as { resent: number; firehose_calls: number });
  return {
    invocations: starts.length,
    finished: batches.length,
    firehoseCalls: batches.reduce((sum, batch) => sum + batch.firehose_calls, 0),
    resent: batches.reduce((sum, batch) => sum + batch.resent, 0),
  };
}

function difference(after: Injected, before: Injected): Injected {
  return Object.fromEntries(Object.entries(after).map(([name, count]) => [name, (count ?? 0) - (before[name] ?? 0)]));
}
