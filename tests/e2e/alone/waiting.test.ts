import { GetQueueAttributesCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { readInjected, setFaults } from '../../../scripts/local/fault-injection';
import { FUNCTION } from '../../../scripts/soak/run-soak';
import { archive } from '../archive';
import { freshTopic, rows, send, settle, theStack } from '../stack';

const stack = theStack();
const { sqs } = connect(stack);
const queue = { QueueUrl: output(stack, 'ingest_queue_url') };
/** How often a message was received before SQS moved it to the DLQ, until throttled messages waited for days. */
const ONCE_ENOUGH = 5;
let before: Record<string, string> = {};

beforeAll(async () => {
  const found = await sqs.send(new GetQueueAttributesCommand({ ...queue, AttributeNames: ['VisibilityTimeout'] }));
  before = found.Attributes ?? {};
});

afterAll(async () => {
  await setFaults(stack.port, {});
  await sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: before }));
});

/** Lets messages come again soon, so that seconds stand for hours, but not while they are still handled. */
const comeAgainAfter = async (seconds: number): Promise<unknown> =>
  sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: { VisibilityTimeout: String(seconds) } }));

const throttled = async (): Promise<number> => (await readInjected(stack.port))['firehose_record_throttled'] ?? 0;
const arrived = async (topic: string): Promise<unknown[]> =>
  rows(stack, `SELECT DISTINCT message_id FROM {raw}."events" WHERE topic_name = '${topic}' ORDER BY 1`);
const event = (topic: string, id: string): string =>
  `{"topic_name":"${topic}","message_id":"${id}","payload":{"id":"${id}"}}`;

async function until(condition: () => Promise<boolean>, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('a message that waits', () => {
  it('reaches RAW when Firehose has throttled it for more receives than once sufficed for the DLQ', async () => {
    const topic = freshTopic('throttled');
    // Eight tries with their pauses take 11 s at most.
    await comeAgainAfter(12);
    await setFaults(stack.port, { firehose_bytes_per_s: 0 });
    const already = await throttled();
    const id = await send(stack, event(topic, 'a'));
    // Each receive asks eight times.
    await until(async () => (await throttled()) - already > 8 * (ONCE_ENOUGH + 1), 150);
    expect(await arrived(topic)).toEqual([]);
    await setFaults(stack.port, {});
    await settle(stack);
    expect(await arrived(topic)).toEqual([{ message_id: 'a' }]);
    expect(await archive(stack, id)).toEqual([]);
  }, 240_000);

  it('goes to the DLQ when it ends the function each time, and those received with it reach RAW', async () => {
    const topic = freshTopic('ending');
    await comeAgainAfter(1);
    await setFaults(stack.port, { lambda_kill_on: { function: FUNCTION, text: 'ends-the-function' } });
    const [ending] = await Promise.all(['ends-the-function', 'b', 'c', 'd'].map((id) => send(stack, event(topic, id))));
    await until(async () => (await archive(stack, ending ?? '')).length > 0, 150);
    expect((await archive(stack, ending ?? '')).map((letter) => letter.error_code)).toEqual(['ENDS_FUNCTION']);
    await settle(stack);
    expect(await arrived(topic)).toEqual([{ message_id: 'b' }, { message_id: 'c' }, { message_id: 'd' }]);
  }, 240_000);
});
