/**
 * Operators hold a topic and release it, by the command and under their own policy: while a cycle runs, two at once, against a
 * run that comes back, past what cycle_delta keeps, and without a right. It runs alone, as cycles of other tests would hold up
 * the drain.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateJobCommand,
  DeleteJobCommand,
  GetJobCommand,
  GetJobRunCommand,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { clientConfig, connect, output } from '../../../scripts/local/clients';
import { runCycle } from '../../../scripts/local/cycle';
import { readInjected, setFaults } from '../../../scripts/local/fault-injection';
import { ROOT } from '../../../scripts/local/paths';
import { leanOps, type Ran } from '../lean-ops';
import { holderOf } from '../rights';
import { freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const stack = theStack();
const { dynamodb, glue, s3, sfn } = connect(stack);
const logs = new CloudWatchLogsClient(clientConfig(stack));
const POLICY = path.resolve(__dirname, '../../../docs/policies/operator.json');
const quiet = (): void => undefined;

const event = (topic: string, id: string): string =>
  `{"topic_name":"${topic}","message_id":"${id}","produced_at":"2026-11-30T06:00:00Z","payload":{"id":"${id}"}}`;
const standardized = async (topic: string): Promise<unknown[]> =>
  (await rows(stack, `SELECT message_id FROM {standardized}."${tableOf(topic)}" ORDER BY 1`)).map(
    (row) => row['message_id'],
  );

const NAMES = ['held', 'wanted', 'zombie', 'kept', 'twice', 'governed', 'compacted', 'refused'] as const;
const topics = new Map<string, string>();

/** A topic that has a table with one row. */
function knownTopic(name: (typeof NAMES)[number]): string {
  return topics.get(name) ?? '';
}

beforeAll(async () => {
  for (const name of NAMES) {
    topics.set(name, freshTopic(name));
    await send(stack, event(knownTopic(name), 'a'));
  }
  await runCycle(stack, quiet);
}, 300_000);

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

async function until(what: string, look: () => Promise<boolean>, seconds = 120): Promise<void> {
  const deadline = Date.now() + seconds * 1_000;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(250);
  }
}

/** Starts a cycle that takes what was sent, and falls asleep with its first commit to a topic's table until other faults are set. */
async function sleepingCycle(topic: string): Promise<string> {
  await settle(stack);
  const slept = async (): Promise<number> => (await readInjected(stack.port))['glue_commit_held'] ?? 0;
  const before = await slept();
  await setFaults(stack.port, { glue_commit_held: tableOf(topic) });
  const cycle = await startCycle();
  await until('its commit sleeps', async () => (await slept()) > before);
  return cycle;
}

/** The time that a cycle may take is over: whoever comes next takes the lease, and takes the cycle for dead. */
async function leaseRunsOut(): Promise<void> {
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: output(stack, 'checkpoint_table'),
      Key: { topic_name: { S: '*' }, layer: { S: 'lease' } },
      UpdateExpression: 'SET expires_at = :past',
      ConditionExpression: 'attribute_exists(expires_at)',
      ExpressionAttributeValues: { ':past': { N: '1' } },
    }),
  );
}

const MAINTENANCE = 'lean-ops-maintenance';

/** Runs the real job of maintenance, under its own role, with a clock that is so many days ahead. */
async function maintainLater(days: number): Promise<void> {
  const { Job: job } = await glue.send(new GetJobCommand({ JobName: MAINTENANCE }));
  const script = readFileSync(path.join(ROOT, 'scripts/glue/maintenance.py'), 'utf8');
  const later = script.replace(
    'clock=utc_now,',
    `clock=lambda: utc_now() + __import__("datetime").timedelta(days=${days}),`,
  );
  expect(later).not.toBe(script);
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(job?.Command?.ScriptLocation ?? '') ?? [];
  const laterKey = key.replace(/[^/]+$/, 'maintenance_later.py');
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: laterKey, Body: later }));
  const name = { JobName: `${MAINTENANCE}-later` };
  await glue.send(
    new CreateJobCommand({
      Name: name.JobName,
      Role: job?.Role,
      GlueVersion: job?.GlueVersion,
      DefaultArguments: job?.DefaultArguments,
      Command: { ...job?.Command, ScriptLocation: `s3://${bucket}/${laterKey}` },
    }),
  );
  try {
    const cycleId = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const run = await glue.send(
      new StartJobRunCommand({ ...name, Arguments: { '--cycle_id': `${cycleId}-00000000` } }),
    );
    let state = '';
    await until('maintenance has ended', async () => {
      const { JobRun } = await glue.send(new GetJobRunCommand({ ...name, RunId: run.JobRunId }));
      state = `${JobRun?.JobRunState ?? ''} ${JobRun?.ErrorMessage ?? ''}`.trim();
      return !/^(STARTING|RUNNING)/.test(state);
    });
    expect(state).toBe('SUCCEEDED');
  } finally {
    await glue.send(new DeleteJobCommand(name));
  }
}

const inDelta = async (topic: string): Promise<unknown[]> =>
  (
    await rows(stack, `SELECT message_id FROM {ops}."cycle_delta" WHERE topic_name = '${topic}' ORDER BY message_id`)
  ).map((row) => row['message_id']);

afterEach(async () => setFaults(stack.port, {}));

describe('an operator with the documented policy', () => {
  let run: (...args: string[]) => Promise<Ran>;
  beforeAll(async () => {
    ({ run } = leanOps(stack, await holderOf(stack, POLICY, 'operator')));
  });

  /** Waits until no operation is at work on a topic. */
  const untilEnded = async (topic: string): Promise<void> =>
    until('its operations have ended', async () => {
      const { output: listed } = await run('op', 'list', '--topic', topic);
      return !listed.includes('RUNNING');
    });

  it('holds a topic when the cycle has ended that ran, and releases it to the next one', async () => {
    const topic = knownTopic('held');
    await send(stack, event(topic, 'b'));
    const cycle = await sleepingCycle(topic);
    const plan = await run('topic', 'hold', topic);
    expect(plan).toMatchObject({ code: 0, output: expect.stringMatching(/drained +when cycle \S+ has ended/) });
    const holding = run('topic', 'hold', topic, '--apply', '--reason', 'repair', '--until', '2h');
    await until('the hold waits for the cycle', async () => (await run('op', 'list')).output.includes(' BEGUN '));
    await expect(statusOf(cycle)).resolves.toBe('RUNNING');
    await setFaults(stack.port, {});
    const held = await holding;
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
      if (state.includes('not caught up')) break;
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
    const topic = knownTopic('wanted');
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

  it('is not overtaken by a run that was asleep with its commit when the topic was held', async () => {
    const topic = knownTopic('zombie');
    await send(stack, event(topic, 'b'));
    const zombie = await sleepingCycle(topic);
    await leaseRunsOut();
    const hold = await run('topic', 'hold', topic, '--apply', '--reason', 'repair');
    expect(hold).toMatchObject({ code: 0, error: '' });
    await expect(statusOf(zombie)).resolves.toBe('RUNNING');
    await setFaults(stack.port, {});
    await until('the run has ended', async () => (await statusOf(zombie)) !== 'RUNNING');
    // Its topic was taken over, which is no failure.
    await expect(statusOf(zombie)).resolves.toBe('SUCCEEDED');
    await expect(standardized(topic)).resolves.toEqual(['a']);
    const ofTopic = `FROM {ops}."ledger" WHERE topic_name = '${topic}' ORDER BY cycle_id`;
    await expect(rows(stack, `SELECT status ${ofTopic}`)).resolves.toEqual([
      { status: 'SUCCEEDED' },
      { status: 'FENCED' },
    ]);
    const said = await logs.send(
      new FilterLogEventsCommand({
        logGroupName: '/aws-glue/jobs/lean-ops-standardized/output',
        filterPattern: '"topic fenced"',
      }),
    );
    expect((said.events ?? []).filter(({ message }) => message?.includes(topic) === true)).toHaveLength(1);

    await expect(run('topic', 'release', topic, '--apply', '--detach', '--reason', 'done')).resolves.toMatchObject({
      code: 0,
    });
    await untilEnded(topic);
    await runCycle(stack, quiet);
    await expect(standardized(topic)).resolves.toEqual(['a', 'b']);
    await expect(rows(stack, `SELECT status ${ofTopic}`)).resolves.toEqual([
      { status: 'SUCCEEDED' },
      { status: 'SUCCEEDED' },
    ]);
  }, 300_000);

  it('holds a topic for longer than cycle_delta keeps cycles, and loses nothing', async () => {
    const [topic, other] = [knownTopic('kept'), freshTopic('other')];
    const plan = await run('topic', 'hold', topic, '--until', '40d');
    const date = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
    expect(plan.output).toContain(`from ${date} on cycle_delta keeps the rows of all topics since the hold`);
    await expect(run('topic', 'hold', topic, '--until', '40d', '--apply', '--reason', 'r')).resolves.toMatchObject({
      code: 0,
    });
    for (const id of ['b', 'c']) {
      await send(stack, event(topic, id));
      await send(stack, event(other, id));
      await runCycle(stack, quiet);
    }
    await expect(inDelta(topic)).resolves.toEqual(['a', 'b', 'c']);
    await maintainLater(40);
    // The cycle of its first message is dropped, which it has taken.
    await expect(inDelta(topic)).resolves.toEqual(['b', 'c']);
    await expect(inDelta(other)).resolves.toEqual(['b', 'c']);
    await expect(run('topic', 'release', topic, '--apply', '--detach', '--reason', 'r')).resolves.toMatchObject({
      code: 0,
    });
    await untilEnded(topic);
    await runCycle(stack, quiet);
    await expect(standardized(topic)).resolves.toEqual(['a', 'b', 'c']);
  }, 300_000);

  it('is told of a refusal, which is no error of a function', async () => {
    const topic = knownTopic('twice');
    await expect(run('topic', 'hold', topic, '--apply', '--reason', 'r')).resolves.toMatchObject({ code: 0 });
    await expect(run('topic', 'release', topic, '--apply', '--detach', '--reason', 'r')).resolves.toMatchObject({
      code: 0,
    });
    await untilEnded(topic);
    const listed = await run('op', 'list', '--topic', topic, '--format', 'json');
    const { operations } = JSON.parse(listed.output) as { operations: { operationId: string }[] };
    const { executionArn = '' } = await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: output(stack, 'operation_state_machine_arn'),
        input: JSON.stringify({ operation_id: operations[0]?.operationId }),
      }),
    );
    await until('it has ended', async () => (await statusOf(executionArn)) !== 'RUNNING');
    await expect(statusOf(executionArn)).resolves.toBe('SUCCEEDED');
    const group = '/aws/lambda/lean-ops-operation-steps';
    const said = async (filterPattern: string): Promise<number> =>
      (await logs.send(new FilterLogEventsCommand({ logGroupName: group, filterPattern }))).events?.length ?? 0;
    expect(await said('"operation refused"')).toBeGreaterThan(0);
    expect(await said('"operation step failed"')).toBe(0);
  }, 300_000);

  it('lets a schema wait that is pushed for a held topic, and decides on it when the topic is released', async () => {
    const topic = knownTopic('governed');
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

  it('compacts a topic, which no cycle takes meanwhile, and gives it back', async () => {
    const topic = knownTopic('compacted');
    const plan = await run('topic', 'compact', topic);
    expect(plan).toMatchObject({ code: 0, error: '', output: expect.stringMatching(/has +Standardized: 1 file of /) });
    const [, basis = ''] = /--plan (\S+)/.exec(plan.output) ?? [];
    const done = await run('topic', 'compact', topic, '--plan', basis, '--apply', '--reason', 'it reads slowly');
    expect(done.error).toBe('');
    expect(done.output).toMatch(/the tables are done: 1 file to 1 file, [^]* is done: \S+ is given back\n$/);
    expect(done.code).toBe(0);
    await expect(run('topic', 'compact', topic, '--plan', basis, '--apply', '--reason', 'r')).resolves.toMatchObject({
      code: 1,
      output: expect.stringContaining('PLAN_STALE: '),
    });
    await send(stack, event(topic, 'b'));
    await runCycle(stack, quiet);
    await expect(standardized(topic)).resolves.toEqual(['a', 'b']);
    await expect(run('topic', 'compact', '--all')).resolves.toMatchObject({ code: 0, error: '' });
  }, 300_000);

  it.each([
    // The last one leaves the lock behind, as the operation could not be started.
    ['FindTopicTables', 'glue:GetTable', 'compact'],
    ['SeeOperations', 'dynamodb:GetItem', 'hold'],
    ['RequestOperations', 'dynamodb:PutItem', 'hold'],
    ['StartOperations', 'states:StartExecution', 'hold'],
  ])(
    'learns which right is missing without %s',
    async (statement, right, command) => {
      const { run: less } = leanOps(stack, await holderOf(stack, POLICY, `operator-${statement}`, statement));
      const { code, error } = await less('topic', command, knownTopic('refused'), '--apply', '--reason', 'r');
      expect([code, error]).toEqual([2, expect.stringContaining(right)]);
      expect(error).toContain('these credentials need');
    },
    300_000,
  );
});
