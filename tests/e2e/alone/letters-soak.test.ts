/**
 * Messages of which a tenth die in every way, and come back: sent again while sqs-processor is killed and Firehose fails, by a
 * command that is killed itself. In the end each is in RAW, as one version, and none that cannot be.
 */
import {
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  type SendMessageBatchRequestEntry,
} from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { budget } from '../../../packages/common/src/testing';
import { connect, output } from '../../../scripts/local/clients';
import { drain } from '../../../scripts/local/drain';
import { readInjected, setFaults } from '../../../scripts/local/fault-injection';
import { sendMessages, type Message } from '../../../scripts/local/send';
import { FUNCTION } from '../../../scripts/soak/run-soak';
import { leanOps } from '../lean-ops';
import { cycle, freshTopic, rows, tableOf, theStack } from '../stack';

const stack = theStack();
const COUNT = budget({ eachRun: 600, thorough: 20_000 });
const TOO_LARGE = budget({ eachRun: 2, thorough: 20 });
const DRAIN_MS = 600_000;
/** Rounds of replays until nothing is left that could be sent: what a kill has made a dead letter of comes back in the next. */
const ROUNDS = 10;

type Kind = 'good' | 'bare' | 'no topic' | 'bad topic' | 'given up' | 'too large';

/** How the `n`th message is sent. Of ten one dies, each in its turn in another way. */
function kindOf(n: number): Kind {
  if (n < TOO_LARGE) return 'too large';
  if (n % 10 !== 0) return n % 2 === 0 ? 'good' : 'bare';
  return (['no topic', 'bad topic', 'given up'] as const)[(n / 10) % 3] ?? 'no topic';
}

async function visibility(seconds: string): Promise<string> {
  const { sqs } = connect(stack);
  const queue = { QueueUrl: output(stack, 'ingest_queue_url') };
  const { Attributes: was } = await sqs.send(
    new GetQueueAttributesCommand({ ...queue, AttributeNames: ['VisibilityTimeout'] }),
  );
  await sqs.send(new SetQueueAttributesCommand({ ...queue, Attributes: { VisibilityTimeout: seconds } }));
  return was?.VisibilityTimeout ?? '30';
}

/** Messages that the ingest queue has given up on. */
async function giveUp(messages: readonly Message[]): Promise<void> {
  const { sqs } = connect(stack);
  const entries = messages.map(({ body, topic = '' }, index): SendMessageBatchRequestEntry => ({
    Id: String(index),
    MessageBody: body,
    MessageAttributes: { topic_name: { DataType: 'String', StringValue: topic } },
  }));
  for (let at = 0; at < entries.length; at += 10) {
    await sqs.send(
      new SendMessageBatchCommand({ QueueUrl: output(stack, 'dlq_url'), Entries: entries.slice(at, at + 10) }),
    );
  }
}

describe(`${COUNT} messages of which a tenth die`, () => {
  const topic = freshTopic('soak');
  const { run, runKilled } = leanOps(stack);
  let since = '';
  let rounds = 0;

  beforeAll(async () => {
    since = new Date().toISOString();
    const all = Array.from({ length: COUNT }, (_, n) => {
      const kind = kindOf(n);
      const body =
        kind === 'good'
          ? `{"topic_name":"${topic}","message_id":"soak-${n}","payload":{"n":${n}}}`
          : `{"n":${n}${kind === 'too large' ? `,"blob":"${'x'.repeat(1_030_000)}"` : ''}}`;
      const attribute = kind === 'no topic' || kind === 'good' ? undefined : kind === 'bad topic' ? '../x' : topic;
      return { kind, message: { body, ...(attribute !== undefined && { topic: attribute }) } };
    });
    const waits = await visibility('4');
    try {
      await setFaults(stack.port, { firehose_put: 0.05, seed: 11 });
      const sent = all.filter(({ kind }) => kind !== 'given up').map(({ message }) => message);
      const { refused } = await sendMessages(stack, sent, () => undefined, 16);
      expect(refused).toEqual([]);
      await giveUp(all.filter(({ kind }) => kind === 'given up').map(({ message }) => message));
      await drain(stack, () => undefined, DRAIN_MS);

      const kill = { function: FUNCTION, every_s: [0.05, 0.3], times: 4 } as const;
      await setFaults(stack.port, { firehose_put: 0.05, lambda_kill: kill, seed: 13 });
      const args = ['dlq', 'replay', '--since', since, '--topic-as', topic, '--rate', '3000', '--max-age', '86400'];
      const apply = ['--apply', '--reason', 'soak'];
      for (const milliseconds of [3_000, 5_000]) await runKilled(milliseconds, ...args, ...apply);
      for (rounds = 1; rounds <= ROUNDS; rounds += 1) {
        const { code, output: text, error } = await run(...args, ...apply, '--format', 'json');
        if (!text.startsWith('{')) throw new Error(`${code ?? ''} ${error}`);
        await drain(stack, () => undefined, DRAIN_MS);
        if ((JSON.parse(text) as { plan: { send: number } }).plan.send === 0) break;
      }
    } finally {
      await Promise.all([setFaults(stack.port, {}), visibility(waits)]);
    }
    await cycle(stack);
  }, 3_600_000);

  it('are all in RAW, each as one version, but for those that are too large', async () => {
    expect(rounds).toBeLessThanOrEqual(ROUNDS);
    const [found] = await rows(
      stack,
      `SELECT count(DISTINCT source_message_id) AS messages, count(DISTINCT payload) AS payloads, ` +
        `count(DISTINCT source_message_id || message_id || CAST(produced_at AS varchar) || payload) AS versions ` +
        `FROM {raw}."events" WHERE topic_name = '${topic}'`,
    );
    const wanted = String(COUNT - TOO_LARGE);
    expect(found).toEqual({ messages: wanted, payloads: wanted, versions: wanted });
  });

  it('are each one row of Standardized, and its ledger balances', async () => {
    const [found] = await rows(stack, `SELECT count(*) AS n FROM {standardized}."${tableOf(topic)}"`);
    expect(Number(found?.['n'])).toBe(COUNT - TOO_LARGE);
    const [ledger] = await rows(
      stack,
      `SELECT sum(records_in) AS taken, sum(duplicates + superseded + parse_errors) AS gone FROM {ops}."ledger" WHERE topic_name = '${topic}' AND layer = 'standardized'`,
    );
    expect(Number(ledger?.['taken']) - Number(ledger?.['gone'])).toBe(COUNT - TOO_LARGE);
  });

  it('left only letters that would fail again, and met the faults that they were to meet', async () => {
    const { code, output: text } = await run(
      'dlq',
      'replay',
      '--since',
      since,
      '--topic-as',
      topic,
      '--format',
      'json',
    );
    const { plan } = JSON.parse(text) as { plan: { send: number; failing: { fails_with: string }[] } };
    expect({ code, send: plan.send }).toEqual({ code: 1, send: 0 });
    expect(plan.failing.map(({ fails_with: why }) => why)).toEqual(
      Array.from({ length: TOO_LARGE }, () => 'TOO_LARGE'),
    );
    expect((await readInjected(stack.port))['lambda_killed'] ?? 0).toBeGreaterThan(0);
  });
});
