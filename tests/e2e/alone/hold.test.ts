/**
 * Operators hold a topic and release it, by the command and under their own policy: while a cycle runs, two at once, and without
 * a right. It runs alone, as cycles of other tests would hold up the drain.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { runCycle } from '../../../scripts/local/cycle';
import { leanOps, type Ran } from '../lean-ops';
import { holderOf } from '../rights';
import { freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const stack = theStack();
const { sfn } = connect(stack);
const POLICY = path.resolve(__dirname, '../../../docs/policies/operator.json');
const quiet = (): void => undefined;

const event = (topic: string, id: string): string =>
  `{"topic_name":"${topic}","message_id":"${id}","produced_at":"2026-11-30T06:00:00Z","payload":{"id":"${id}"}}`;
const standardized = async (topic: string): Promise<unknown[]> =>
  (await rows(stack, `SELECT message_id FROM {standardized}."${tableOf(topic)}" ORDER BY 1`)).map(
    (row) => row['message_id'],
  );

/** A topic that has a table already. */
async function knownTopic(name: string): Promise<string> {
  const topic = freshTopic(name);
  await send(stack, event(topic, 'a'));
  await runCycle(stack, quiet);
  return topic;
}

/** Starts a cycle and does not wait for it. */
async function startCycle(): Promise<string> {
  const { executionArn = '' } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: output(stack, 'state_machine_arn'), input: '{}' }),
  );
  return executionArn;
}

async function statusOf(executionArn: string): Promise<string | undefined> {
  return (await sfn.send(new DescribeExecutionCommand({ executionArn }))).status;
}

describe('an operator with the documented policy', () => {
  let run: (...args: string[]) => Promise<Ran>;
  beforeAll(async () => {
    ({ run } = leanOps(stack, await holderOf(stack, POLICY, 'operator')));
  });

  it('holds a topic when the cycle has ended that ran, and releases it to the next one', async () => {
    const topic = await knownTopic('held');
    await send(stack, event(topic, 'b'));
    await settle(stack);
    const cycle = await startCycle();
    // The lease is there once the cycle is planned.
    for (;;) {
      const plan = await run('topic', 'hold', topic);
      expect(plan).toMatchObject({ code: 0, error: '' });
      if (plan.output.includes('drained   when cycle ') || (await statusOf(cycle)) !== 'RUNNING') break;
      await sleep(200);
    }
    const held = await run('topic', 'hold', topic, '--apply', '--reason', 'repair', '--until', '2h');
    expect(held.error).toBe('');
    expect(held.output).toMatch(/waiting for cycle \S+ to end\n/);
    expect(held.output).toMatch(/ is held: no writer can commit any more\n$/);
    expect(held.code).toBe(0);
    await expect(statusOf(cycle)).resolves.toBe('SUCCEEDED');
    const before = await standardized(topic);

    await send(stack, event(topic, 'c'));
    await runCycle(stack, quiet);
    await expect(standardized(topic)).resolves.toEqual(before);
    const status = await run('topic', 'status', topic);
    expect(status.code).toBe(0);
    expect(status.output).toMatch(/held +since [^]*why +repair\n[^]*waits +Standardized, from cycle \S+ on/);

    const releasing = run('topic', 'release', topic, '--apply', '--reason', 'repaired', '--timeout', '300');
    for (;;) {
      const { output: state } = await run('topic', 'status', topic);
      if (state.includes('released, not caught up')) break;
      await sleep(1_000);
    }
    await runCycle(stack, quiet);
    const released = await releasing;
    expect(released.error).toBe('');
    expect(released.output).toMatch(/the next cycle takes \d+ messages? of \d+ cycles? into Standardized\n/);
    expect(released.output).toMatch(/It has caught up, and took since its release:\n[^]*standardized +\d/);
    expect(released.code).toBe(0);
    await expect(standardized(topic)).resolves.toEqual(['a', 'b', 'c']);

    const listed = await run('op', 'list', '--topic', topic, '--format', 'json');
    const { operations } = JSON.parse(listed.output) as { operations: { kind: string; requestedBy: string }[] };
    expect(operations).toMatchObject([
      { kind: 'release', state: 'DONE', recorded: true, requestedBy: expect.stringMatching(/:user\/operator$/) },
      { kind: 'hold', state: 'DONE', recorded: true },
    ]);
    await expect(
      rows(
        stack,
        `SELECT kind, state, reason FROM {ops}."operations" WHERE topic_name = '${topic}' ORDER BY requested_at`,
      ),
    ).resolves.toEqual([
      { kind: 'hold', state: 'DONE', reason: 'repair' },
      { kind: 'release', state: 'DONE', reason: 'repaired' },
    ]);
  }, 600_000);

  it('gets the topic alone, and whoever comes second learns who has it', async () => {
    const topic = await knownTopic('wanted');
    const second = leanOps(stack, await holderOf(stack, POLICY, 'operator-2'));
    const ran = await Promise.all([
      run('topic', 'hold', topic, '--apply', '--reason', 'one'),
      second.run('topic', 'hold', topic, '--apply', '--reason', 'two'),
    ]);
    const [lost] = ran.filter(({ code }) => code === 1);
    expect(ran.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(lost?.output).toMatch(/(TOPIC_BUSY|ALREADY_HELD): [^]*:user\/operator(-2)?[^]*next: lean-ops /);
    await expect(run('topic', 'status')).resolves.toMatchObject({ output: expect.stringContaining(topic) });
    await expect(run('topic', 'release', topic, '--apply', '--reason', 'done')).resolves.toMatchObject({ code: 0 });
  }, 300_000);

  it('lets a schema wait that is pushed for a held topic, and decides on it when the topic is released', async () => {
    const topic = await knownTopic('governed');
    const owner = leanOps(stack);
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Held',
      'x-topic': topic,
      'x-version': 1,
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'string', 'x-cde': true } },
    };
    owner.write('schema.json', JSON.stringify(schema));
    await expect(run('topic', 'hold', topic, '--apply', '--reason', 'repair')).resolves.toMatchObject({ code: 0 });
    await expect(owner.run('schema', 'push', 'schema.json', '--topic', topic)).resolves.toMatchObject({
      code: 2,
      output: expect.stringContaining('PENDING_MAINTENANCE'),
    });
    await expect(run('topic', 'status', topic)).resolves.toMatchObject({
      output: expect.stringMatching(/waits +a schema upload since /),
    });
    await expect(run('topic', 'release', topic, '--apply', '--reason', 'done')).resolves.toMatchObject({ code: 0 });
    for (let tries = 0; ; tries += 1) {
      const { output: state } = await owner.run('schema', 'status', topic);
      if (state.startsWith(`${topic}: ACTIVE\n`)) break;
      expect([tries, state]).toEqual([expect.any(Number), expect.stringContaining('PENDING')]);
      expect(tries).toBeLessThan(60);
      await sleep(1_000);
    }
    await runCycle(stack, quiet);
    await expect(rows(stack, `SELECT id FROM {curated}."${tableOf(topic)}"`)).resolves.toEqual([{ id: 'a' }]);
  }, 300_000);

  let known: string | undefined;
  it.each([
    // The last one leaves the lock behind, as the operation could not be started.
    ['SeeOperations', 'dynamodb:GetItem'],
    ['RequestOperations', 'dynamodb:PutItem'],
    ['StartOperations', 'states:StartExecution'],
  ])(
    'learns which right is missing without %s',
    async (statement, right) => {
      known ??= await knownTopic('refused');
      const { run: less } = leanOps(stack, await holderOf(stack, POLICY, `operator-${statement}`, statement));
      const { code, error } = await less('topic', 'hold', known, '--apply', '--reason', 'r');
      expect([code, error]).toEqual([2, expect.stringContaining(right)]);
      expect(error).toContain('these credentials need');
    },
    300_000,
  );
});
