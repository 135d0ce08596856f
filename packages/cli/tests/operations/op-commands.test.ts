/** `lean-ops op list|show|resume|cancel`, and what two operators and any kill leave behind. */
import { describe, expect, it } from '@jest/globals';
import { interruption } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { requestPlanned } from '../../src/operations/request';
import { planHold } from '../../src/operations/plan';
import { readSituation } from '../../src/operations/situation';
import { cancelOperation, resumeOperation } from '../../src/operations/take-up';
import type { OperationsDeployment } from '../../src/pipeline/deployment';
import type { Operator } from '../../src/pipeline/operator';
import type { DocumentValue, TopicName } from '@lean-ops/common/core';
import {
  heldItem,
  MACHINE,
  memoryOperations,
  OPERATIONS,
  CHECKPOINTS,
  REGISTRY,
  registered,
  TOPIC,
} from './memory-operations';

const HOLD = ['topic', 'hold', TOPIC, '--apply', '--reason', 'repair'];

/** A pipeline whose Glue job fails as long as `broken` is true. */
function breakable() {
  const state = { broken: true };
  const pipeline = memoryOperations({
    job: () => {
      if (state.broken) throw new Error('Glue: CommitFailedException: the catalog said no');
    },
  });
  return { ...pipeline, state };
}

function textOf(value: DocumentValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

async function idOf({ operations }: Pick<ReturnType<typeof memoryOperations>, 'operations'>): Promise<string> {
  const [operation] = await operations();
  return textOf(operation?.['operation_id']);
}

describe('an operation that failed', () => {
  it('has its topic until somebody resumes it, which goes on from the step that it had reached', async () => {
    const pipeline = breakable();
    const { run, state, locks, registryItem } = pipeline;
    const failed = await run(...HOLD);
    const id = await idOf(pipeline);
    expect(failed.code).toBe(2);
    expect(failed.output).toContain('CommitFailedException: the catalog said no\n');
    expect(failed.output).toContain(`next: lean-ops op resume ${id}, or lean-ops op cancel ${id}\n`);
    await expect(run('op', 'list')).resolves.toMatchObject({
      code: 1,
      output: expect.stringContaining(`1 operation needs somebody. See it by lean-ops op show ${id}`),
    });
    const shown = await run('op', 'show', id);
    expect(shown.code).toBe(1);
    await expect(run('op', 'show', TOPIC)).resolves.toEqual(shown);
    expect(shown.output).toContain('step       DRAINED (no cycle that began before is at work)\n');
    expect(shown.output).toContain('error      Glue: CommitFailedException: the catalog said no\n');
    expect(shown.output).toContain(`To go on from there: lean-ops op resume ${id}\n`);
    await expect(run('topic', 'status')).resolves.toMatchObject({ code: 1 });
    expect((await run('topic', 'release', TOPIC)).output).toContain(
      'which failed and has to be resumed or cancelled first',
    );

    state.broken = false;
    const resumed = await run('op', 'resume', id);
    expect(resumed.code).toBe(0);
    expect(resumed.output).toContain(`${id} is taken up from DRAINED on.\n`);
    expect(resumed.output).not.toContain('no new cycle takes');
    expect(resumed.output).toContain(`${TOPIC} is held: no writer can commit any more\n`);
    expect(await locks()).toEqual([]);
    await expect(registryItem()).resolves.toMatchObject({ epoch: 4, hold: { operation_id: id } });
  });

  it('can fail again, and be resumed again, each time by a new execution', async () => {
    const pipeline = breakable();
    const { run, state, executions } = pipeline;
    await run(...HOLD);
    const id = await idOf(pipeline);
    await expect(run('op', 'resume', id)).resolves.toMatchObject({ code: 2 });
    await expect(run('op', 'resume', id)).resolves.toMatchObject({ code: 2 });
    state.broken = false;
    await expect(run('op', 'resume', id)).resolves.toMatchObject({ code: 0 });
    expect([...executions.keys()].map((arn) => arn.split(':').at(-1))).toEqual([
      id,
      `${id}-r1`,
      `${id}-r2`,
      `${id}-r3`,
    ]);
  });

  it('is cancelled to where it began', async () => {
    const pipeline = breakable();
    const { run, locks, registryItem } = pipeline;
    await run(...HOLD);
    const id = await idOf(pipeline);
    await expect(run('op', 'cancel', id)).resolves.toMatchObject({
      code: 0,
      output: expect.stringMatching(new RegExp(`${id} is cancelled\\n${TOPIC} is given back as it was\\.\\n$`)),
    });
    expect(await locks()).toEqual([]);
    const item = await registryItem();
    expect(item).toMatchObject({ status: 'READY', epoch: 4 });
    expect(item).not.toHaveProperty('hold');
    const again = await run('op', 'cancel', id);
    expect([again.code, again.output]).toEqual([0, `${TOPIC} is given back as it was.\n`]);
    const resumed = await run('op', 'resume', id);
    expect([resumed.code, resumed.output]).toEqual([1, expect.stringContaining(`OPERATION_ENDED: ${id} is CANCELLED`)]);
  });
});

describe('an operation that runs', () => {
  it('is not resumed, and is stopped before it is cancelled', async () => {
    const pipeline = memoryOperations();
    const { run, executions, tick, registryItem } = pipeline;
    await run(...HOLD, '--detach');
    await tick();
    const id = await idOf(pipeline);
    const resumed = await run('op', 'resume', id);
    expect([resumed.code, resumed.output]).toEqual([1, expect.stringContaining('OPERATION_RUNS: ')]);
    await expect(run('op', 'cancel', id)).resolves.toMatchObject({ code: 0 });
    expect([...executions.values()]).toMatchObject([{ status: 'ABORTED' }, { status: 'SUCCEEDED', next: 'Cancel' }]);
    await expect(registryItem()).resolves.toMatchObject({ status: 'READY' });
  });

  it('is said to be dead when its execution ended without a word', async () => {
    const pipeline = memoryOperations();
    const { run, executions, operator } = pipeline;
    const before = { ...operator.clock };
    Object.assign(operator.clock, {
      sleep: async (milliseconds: number) => {
        await before.sleep(milliseconds);
        for (const execution of executions.values()) execution.status = 'ABORTED';
      },
    });
    const died = await run(...HOLD);
    const id = await idOf(pipeline);
    expect(died.code).toBe(2);
    expect(died.output).toContain(`Nobody works on ${id} any more`);
    await expect(run('op', 'list')).resolves.toMatchObject({
      code: 1,
      output: expect.stringContaining('RUNNING, dead'),
    });
    await expect(run('topic', 'status')).resolves.toMatchObject({
      code: 1,
      output: expect.stringMatching(/, hold dead .*\n\n1 topic needs somebody: /s),
    });
    await expect(run('topic', 'status', TOPIC)).resolves.toMatchObject({
      code: 1,
      output: expect.stringContaining(`  dead      ${id}, RUNNING, and nobody works on it, last step BEGUN\n`),
    });
    Object.assign(operator.clock, before);
    await expect(run('op', 'resume', id)).resolves.toMatchObject({ code: 0 });
  });

  it('is not forgotten when whoever cancels it stops its execution, and comes no further', async () => {
    const pipeline = memoryOperations();
    const { run, operator, tick } = pipeline;
    await run(...HOLD, '--detach');
    await tick();
    const id = await idOf(pipeline);
    const before = { ...operator.machine };
    Object.assign(operator.machine, { start: () => Promise.reject(new Error('the terminal is closed')) });
    await expect(run('op', 'cancel', id)).resolves.toMatchObject({ code: 2 });
    await expect(run('topic', 'status')).resolves.toMatchObject({ code: 1 });
    Object.assign(operator.machine, before);
    await expect(run('op', 'cancel', id)).resolves.toMatchObject({ code: 0 });
    await expect(run('topic', 'status')).resolves.toMatchObject({ code: 0 });
  });

  it('goes on when the time to wait is over', async () => {
    const pipeline = memoryOperations();
    const { run, seed, clock } = pipeline;
    seed(CHECKPOINTS, {
      topic_name: '*',
      layer: 'lease',
      cycle_id: '20261130T062000Z-1a2b3c4d',
      expires_at: clock.now() / 1_000 + 600,
    });
    const { code, output } = await run(...HOLD, '--timeout', '20');
    expect(code).toBe(2);
    expect(output).toContain(`${await idOf(pipeline)} has not ended yet, and goes on in AWS`);
  });
});

describe('op list', () => {
  it('shows the newest first, of a topic or a state, and no locks', async () => {
    const { run, clock } = memoryOperations({ items: [registered(), registered({ topic_name: 'a.b' })] });
    await run(...HOLD);
    clock.pass(60_000);
    await run('topic', 'hold', 'a.b', '--apply', '--reason', 'other', '--detach');
    const ids = async (...args: string[]): Promise<string[]> => {
      const { output } = await run('op', 'list', '--format', 'json', ...args);
      return (JSON.parse(output) as { operations: { topic: string }[] }).operations.map(({ topic }) => topic);
    };
    expect(await ids()).toEqual(['a.b', TOPIC]);
    expect(await ids('--topic', TOPIC)).toEqual([TOPIC]);
    expect(await ids('--state', 'RUNNING')).toEqual(['a.b']);
    expect(await ids('--limit', '1')).toEqual(['a.b']);
    await expect(memoryOperations().run('op', 'list')).resolves.toMatchObject({ code: 0, output: 'No operations.\n' });
  });

  it('knows an id from what is none, and an operation from none', async () => {
    const { run } = memoryOperations();
    await expect(run('op', 'show', 'X')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('neither the id of an operation nor a topic'),
    });
    await expect(run('op', 'show', TOPIC)).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining(`no operation has ${TOPIC}.`),
    });
    await expect(run('op', 'show', '20261130T062500Z-hold-ffffff')).resolves.toMatchObject({
      code: 2,
      error: expect.stringContaining('there is no operation'),
    });
  });
});

const DEPLOYMENT: OperationsDeployment = {
  region: 'eu-central-1',
  schemaBucket: 'acme-schemas',
  registryTable: REGISTRY,
  athenaWorkgroup: 'acme',
  lake: { bucket: 'acme-lake', databasePrefix: 'acme' },
  checkpointTable: CHECKPOINTS,
  operationsTable: OPERATIONS,
  operationMachineArn: MACHINE,
  cycleDeltaKeptDays: 30,
};

/** Plans and requests a hold. Returns whether the operator got the topic; a kill gives undefined. */
async function tryHold(operator: Operator): Promise<boolean | undefined> {
  try {
    const planned = planHold(await readSituation(TOPIC as TopicName, DEPLOYMENT, operator), undefined, 30);
    if (!planned.ok) return false;
    const requested = await requestPlanned({ plan: planned.plan, reason: 'repair' }, DEPLOYMENT, operator);
    return requested.ok;
  } catch {
    return undefined;
  }
}

describe('two operators, one of whom is killed', () => {
  it('get one operation, which holds the topic once, whoever takes it up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 16 }),
        fc.constantFrom('before' as const, 'after' as const),
        fc.boolean(),
        fc.integer({ min: 0, max: 5 }),
        fc.boolean(),
        async (at, moment, together, ticks, cancels) => {
          const pipeline = memoryOperations();
          const { operator, operations, locks, registryItem, tick } = pipeline;
          const kill = interruption(at, moment);
          const first: Operator = {
            ...operator,
            documents: kill.through(operator.documents),
            machine: kill.through(operator.machine),
            caller: kill.throughFunction(operator.caller),
            hex: () => 'aaaaaa',
          };
          const second: Operator = { ...operator, hex: () => 'bbbbbb' };
          const got = together
            ? await Promise.all([tryHold(first), tryHold(second)])
            : [await tryHold(first), await tryHold(second)];

          // Never two that have the topic, and never a lock without its operation.
          const holders = (await locks()).map(({ holder }) => holder);
          const known = await operations();
          expect(holders.length).toBeLessThanOrEqual(1);
          expect(known.map(({ operation_id: id }) => id)).toEqual(expect.arrayContaining(holders));
          expect(got.filter((one) => one === true).length).toBeLessThanOrEqual(1);
          expect(known.filter(({ state }) => state !== 'FAILED').length).toBeLessThanOrEqual(1);

          for (let count = 0; count < ticks; count += 1) await tick();
          const [id] = (await locks()).map(({ holder }) => textOf(holder));
          if (id !== undefined) {
            if (cancels) await cancelOperation(id, DEPLOYMENT, operator);
            else await resumeOperation(id, DEPLOYMENT, operator);
          }
          for (let count = 0; count < 8; count += 1) await tick();

          expect(await locks()).toEqual([]);
          const ended = await operations();
          const done = ended.filter(({ state }) => state === 'DONE');
          const item = await registryItem();
          expect(done.length + ended.filter(({ state }) => state === 'CANCELLED').length).toBeLessThanOrEqual(1);
          // A hold that is done is in the registry, and raised the epoch once; one that is cancelled has left nothing but that.
          if (done.length === 1)
            expect(item).toMatchObject(
              heldItem({
                operation_id: done[0]?.['operation_id'] ?? '',
                by: expect.any(String),
                since: expect.any(String),
              } as never),
            );
          else expect(item).toMatchObject({ status: 'READY' });
          if (done.length === 0) expect(item).not.toHaveProperty('hold');
          expect(Number(item?.['epoch'])).toBeLessThanOrEqual(4);
        },
      ),
    );
  });
});
