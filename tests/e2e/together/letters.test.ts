/** Dead letters come back: they are sent again, corrected or discarded by the command, under its own policy. */
import path from 'node:path';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { archive } from '../archive';
import { leanOps } from '../lean-ops';
import { holderOf } from '../rights';
import { cycle, freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const stack = theStack();
const POLICY = path.resolve(__dirname, '../../../docs/policies/letters.json');
const APPLY = ['--apply', '--reason', 'the producer was mended'];

interface Plan {
  readonly plan: {
    readonly send: number;
    readonly failing: readonly { readonly message_id: string; readonly fails_with: string }[];
    readonly closed: Readonly<Record<string, number>>;
  };
  readonly basis: string;
  readonly operation?: string;
  readonly sent?: number;
}

/** A message that the ingest queue has given up on, with the id and the time that it had there. */
async function givenUp(body: string, topic?: string): Promise<string> {
  const { sqs } = connect(stack);
  const attributes =
    topic === undefined ? {} : { MessageAttributes: { topic_name: { DataType: 'String', StringValue: topic } } };
  const sent = await sqs.send(
    new SendMessageCommand({ QueueUrl: output(stack, 'dlq_url'), MessageBody: body, ...attributes }),
  );
  return sent.MessageId ?? '';
}

async function archived(...ids: readonly string[]): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (const id of ids) {
    while ((await archive(stack, id)).length === 0) {
      if (Date.now() > deadline) throw new Error(`${id} is not archived`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

async function raw(topic: string): Promise<Record<string, string | null>[]> {
  return rows(
    stack,
    `SELECT message_id, idempotency_key, source_message_id, CAST(produced_at AS varchar) AS produced_at, payload ` +
      `FROM {raw}."events" WHERE topic_name = '${topic}' ORDER BY payload`,
  );
}

async function standardized(topic: string): Promise<Record<string, string | null>[]> {
  return rows(stack, `SELECT * FROM {standardized}."${tableOf(topic)}" ORDER BY message_id`);
}

describe('dead letters of every kind', () => {
  const topic = freshTopic('letters');
  const keys: Record<string, string> = {};
  const { run, write } = leanOps(stack, keys);
  let ids: Record<'bare' | 'old' | 'nameless' | 'misnamed' | 'large', string>;
  let all: string[];

  const json = async (...args: string[]): Promise<Plan & { readonly exit: number | null }> => {
    const { code, output: text, error } = await run('dlq', ...args, '--format', 'json');
    if (!text.startsWith('{')) throw new Error(error);
    return { exit: code, ...(JSON.parse(text) as Plan) };
  };

  beforeAll(async () => {
    Object.assign(keys, await holderOf(stack, POLICY, 'letters'));
    const record = (n: number): string => `{"topic_name":"${topic}","idempotency_key":"k","payload":{"n":${n}}}`;
    ids = {
      bare: await givenUp('{"n":10}', topic),
      // The first version of a record, which names no time: sent again as a new message, it would win.
      old: await givenUp(record(1)),
      nameless: await send(stack, '{"n":30}'),
      misnamed: await send(stack, '{"payload":{"n":40}}', '../x'),
      large: await send(stack, `{"topic_name":"${topic}","payload":"${'x'.repeat(1_040_000)}"}`),
    };
    await send(stack, record(2));
    await settle(stack);
    all = Object.values(ids);
    await archived(...all);
  });

  it('are planned first: what would be taken, and what would fail again and by which code', async () => {
    const plan = await json('replay', '--id', ...all, '--topic-as', topic);
    expect(plan).toMatchObject({ exit: 1, plan: { send: 4 } });
    expect(plan.plan.failing).toMatchObject([{ message_id: ids.large, fails_with: 'TOO_LARGE' }]);
    expect(await raw(topic)).toMatchObject([{ payload: '{"n":2}' }]);
  });

  it('arrive once, as the messages that they were, however often they are sent', async () => {
    const args = ['replay', '--id', ...all, '--topic-as', topic];
    const { basis } = await json(...args);
    const done = await json(...args, '--plan', basis, ...APPLY);
    expect(done).toMatchObject({ exit: 1, sent: 4 });
    await expect(json(...args)).resolves.toMatchObject({ plan: { send: 0, closed: { replayed: 4 } } });
    // As after a crash between the queue's answer and the note of it.
    await expect(json(...args, '--again', ...APPLY)).resolves.toMatchObject({ sent: 4 });
    await settle(stack);
    await cycle(stack);

    const taken = await raw(topic);
    const versions = new Set(taken.map((row) => JSON.stringify(row)));
    expect(taken).toHaveLength(9);
    expect(versions.size).toBe(5);
    expect(taken).toContainEqual(expect.objectContaining({ payload: '{"n":10}', message_id: ids.bare }));
    expect(taken).toContainEqual(expect.objectContaining({ payload: '{"n":1}', source_message_id: ids.old }));
    const found = await standardized(topic);
    // The old version of the record has lost to the one that was sent after it.
    expect(found.map((row) => row['n']).sort()).toEqual(['10', '2', '30', '40']);
    const [ledger] = await rows(
      stack,
      `SELECT sum(records_in) AS taken, sum(duplicates + superseded + parse_errors) AS gone FROM {ops}."ledger" WHERE topic_name = '${topic}' AND layer = 'standardized'`,
    );
    expect(Number(ledger?.['taken']) - Number(ledger?.['gone'])).toBe(found.length);

    const shown = await run('dlq', 'show', ids.bare);
    expect(shown).toMatchObject({ code: 0, output: expect.stringContaining('the producer was mended') });
    await expect(run('dlq', 'show', done.operation ?? '')).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('replay, DONE'),
    });
  });

  it('are linked to their first when they die again', async () => {
    const again = await givenUp('{"n":50}');
    await archived(again);
    // Without a topic it is refused once more; --topic-as of another run would mend it.
    await expect(json('replay', '--id', again)).resolves.toMatchObject({ exit: 1, plan: { send: 0 } });
    const { sqs } = connect(stack);
    const origin = {
      v: 1,
      kind: 'replay',
      message_id: again,
      sent_at: Date.now() - 1_000,
      received_at: Date.now() - 500,
      letter: 'dlq/_unknown/2026/11/30/first.json',
      attempt: 1,
      operation: '20261130T100000Z-replay-ab12cd',
    };
    const MessageAttributes = { lean_ops_origin: { DataType: 'String', StringValue: JSON.stringify(origin) } };
    const sent = await sqs.send(
      new SendMessageCommand({
        QueueUrl: output(stack, 'ingest_queue_url'),
        MessageBody: '{"n":50}',
        MessageAttributes,
      }),
    );
    await settle(stack);
    await archived(sent.MessageId ?? '');
    const shown = await run('dlq', 'show', sent.MessageId ?? '');
    expect(shown.output).toContain(`sent again once before, as message ${again}`);
  });

  it('are corrected by a new message, and discarded without being deleted', async () => {
    write('body.json', `{"topic_name":"${topic}","idempotency_key":"corrected","payload":{"n":60}}`);
    const edit = ['dlq', 'replay', '--id', ids.large, '--edit', 'body.json'];
    await expect(run(...edit)).resolves.toMatchObject({ code: 0, error: '' });
    await expect(run(...edit, ...APPLY)).resolves.toMatchObject({ code: 0, error: '' });
    const stray = await send(stack, '{"payload":{"n":70}}');
    await settle(stack);
    await archived(stray);
    await expect(run('dlq', 'discard', '--id', stray, ...APPLY)).resolves.toMatchObject({ code: 0, error: '' });
    const shown = await run('dlq', 'show', stray, '--payload');
    expect(shown).toMatchObject({ code: 0, output: expect.stringContaining('{"payload":{"n":70}}') });
    await expect(json('replay', '--id', stray, '--again')).resolves.toMatchObject({
      plan: { send: 0, closed: { discarded: 1 } },
    });
    await cycle(stack);
    expect(await standardized(topic)).toContainEqual(
      expect.objectContaining({ n: '60', message_id: expect.stringMatching(/^edit-/) }),
    );
  });

  it.each([
    ['FindLetters', 'dynamodb:Query'],
    ['NoteWhatBecomesOfLetters', 'dynamodb:UpdateItem'],
    ['ReadLetters', 's3:GetObject'],
    ['SeeWhetherIngestKeepsUp', 'cloudwatch:GetMetricData'],
    ['SendMessages', 'sqs:SendMessage'],
  ])('without %s: says which right is missing, and nothing is lost', async (statement, right) => {
    const letter = await givenUp('{"n":80}', topic);
    await archived(letter);
    const lacking = leanOps(stack, await holderOf(stack, POLICY, `letters-without-${statement}`, statement));
    const { code, output: text, error } = await lacking.run('dlq', 'replay', '--id', letter, ...APPLY);
    expect(code).toBe(2);
    expect(text + error).toContain(right);
    await expect(json('discard', '--id', letter, ...APPLY)).resolves.toMatchObject({ exit: 0 });
  });
});
