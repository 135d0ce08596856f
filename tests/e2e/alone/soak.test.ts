import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { soakMessages } from '../../../scripts/soak/messages';
import { FUNCTION, soak, type SoakResult } from '../../../scripts/soak/run-soak';
import { theStack } from '../stack';

const stack = theStack();
const TOPICS = ['telemetry.climate', 'telemetry.energy'];

async function visibility(): Promise<string | undefined> {
  const { sqs } = connect(stack);
  const queue = { QueueUrl: output(stack, 'ingest_queue_url') };
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ ...queue, AttributeNames: ['VisibilityTimeout'] }),
  );
  return Attributes?.VisibilityTimeout;
}

describe('3,000 messages while Firehose fails and sqs-processor is killed', () => {
  let result: SoakResult;
  let visibilityBefore: string | undefined;

  beforeAll(async () => {
    visibilityBefore = await visibility();
    // There are fewer kills than a message has receives, so every good message has to reach RAW.
    const kill = { function: FUNCTION, every_s: [0.05, 0.3], times: 4 } as const;
    result = await soak(
      stack,
      {
        messages: soakMessages({ count: 3_000, seed: 7, topics: TOPICS }),
        faults: { firehose_put: 0.05, lambda_kill: kill, seed: 7 },
        visibilitySeconds: 4,
      },
      () => undefined,
    );
  });

  it('are all in RAW or in the DLQ, to the message, and no illegal topic is a name anywhere', () => {
    expect(result.faults).toEqual([]);
    expect(result.account).toMatchObject({ sent: 3_000, missing: [], unknown: [], stranded: [] });
    expect(result.account.raw + result.account.dlq - result.account.both.length).toBe(3_000);
    expect(Object.keys(result.account.dlqByCode)).toEqual(
      expect.arrayContaining(['INVALID_TOPIC', 'NO_TOPIC', 'TOO_LARGE']),
    );
  });

  it('met the faults that they were to meet, and only what failed was sent again', () => {
    const of = (name: string): number => result.injected[name] ?? 0;
    expect(of('lambda_killed')).toBeGreaterThan(0);
    expect(of('firehose_record_refused')).toBeGreaterThan(0);
    expect(result.batches.resent).toBeGreaterThan(0);
    // Resending a whole batch for the 5 % that failed in it would be far above this.
    expect(result.batches.resent).toBeLessThanOrEqual(
      of('firehose_record_refused') + of('firehose_records_in_refused_calls') + of('firehose_records_taken_unanswered'),
    );
  });

  it('leave the stack as it was', async () => {
    expect(await visibility()).toBe(visibilityBefore);
    const response = await fetch(`http://127.0.0.1:${stack.port}/_lean_ops/faults`);
    expect(await response.json()).toMatchObject({ set: {} });
  });
});
