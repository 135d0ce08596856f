/**
 * One measurement in a process of its own: `ingest-child MODE BYTES MESSAGES ROUNDS`. Prints `{"us": […], "peak_mb": …}`:
 * CPU microseconds (user and system, all threads) per message of each round after the warm-up.
 */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { FirehoseClient, PutRecordCommand } from '@aws-sdk/client-firehose';
import { createLogger, createMetrics, firehoseStream, systemClock, systemRandom } from '../../packages/common/src/aws';
import type { SQSRecord } from 'aws-lambda';
import type { Collaborators } from '../../packages/sqs-processor/src/handle-messages';
import { processBatch } from '../../packages/sqs-processor/src/process-batch';
import { memoryFirehose, taken } from './memory-firehose';
import { batchOf } from './messages';

type Round = (records: SQSRecord[]) => Promise<void> | void;

/** The least that any way must do: parse the text once, and make bytes of it. */
let sink: unknown;
const floor: Round = (records) => {
  for (const { body } of records) sink = [JSON.parse(body), Buffer.from(body)];
};

const refuse = (): Promise<never> => Promise.reject(new Error('nothing of this batch belongs here'));

/** sqs-processor as its handler wires it, with answers of Firehose from memory. */
function ours(): Round {
  const collaborators: Collaborators = {
    stream: firehoseStream('lean-ops-events', new FirehoseClient(memoryFirehose())),
    deadLetters: { sendBatch: refuse },
    source: { deleteBatch: refuse },
    attempts: { begin: refuse, end: refuse },
    objects: { get: refuse, open: refuse, head: refuse, put: refuse, copy: refuse, delete: refuse, list: refuse },
    log: createLogger('sqs-processor'),
    metrics: createMetrics('sqs-processor'),
    clock: systemClock,
    random: systemRandom,
  };
  const settings = {
    overflowBucket: 'archive',
    concurrency: 4,
    maxAttempts: 8,
    maxClockSkewSeconds: 86_400,
    suspectReceives: 4,
  };
  return async (records) => {
    const { batchItemFailures } = await processBatch(records, () => 60_000, collaborators, settings);
    if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} messages were not taken`);
  };
}

/** The usual way: Powertools' batch processor, a function that handles one message, one PutRecord each. */
function usual(): Round {
  const client = new FirehoseClient(memoryFirehose());
  const processor = new BatchProcessor(EventType.SQS);
  const handle = async ({ body }: SQSRecord): Promise<void> => {
    const { topic_name: topic, ...rest } = JSON.parse(body) as Record<string, unknown>;
    if (typeof topic !== 'string') throw new Error('no topic');
    const Data = Buffer.from(JSON.stringify({ topic_name: topic, ...rest, received_at: Date.now() }));
    await client.send(new PutRecordCommand({ DeliveryStreamName: 'lean-ops-events', Record: { Data } }));
  };
  return async (Records) => {
    const answer = await processPartialResponse({ Records }, handle, processor, { processInParallel: false });
    if (answer.batchItemFailures.length > 0) throw new Error('messages were not taken');
  };
}

async function main(): Promise<void> {
  const [mode = 'ours', bytes = '1000', count = '10000', rounds = '5'] = process.argv.slice(2);
  const run = mode === 'floor' ? floor : mode === 'usual' ? usual() : ours();
  const us: number[] = [];
  for (let round = 0; round <= Number(rounds); round++) {
    // Each round has a new batch, because a body that was read before is flat and hashed, and costs less.
    const records = batchOf(Number(bytes), Number(count));
    globalThis.gc?.();
    const before = process.cpuUsage();
    await run(records);
    const { user, system } = process.cpuUsage(before);
    if (round > 0 || rounds === '0') us.push((user + system) / records.length);
  }
  if (mode !== 'floor' && taken.records !== (Number(rounds) + 1) * Number(count))
    throw new Error('records are missing');
  const peakMb = process.resourceUsage().maxRSS / 1024;
  process.stderr.write(`${JSON.stringify({ us, peak_mb: peakMb, sink: typeof sink })}\n`);
}

void main();
