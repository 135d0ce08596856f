/** `lean-ops topic hold|release|status`, against a pipeline in memory whose operations run by the real transitions. */
import { describe, expect, it } from '@jest/globals';
import type { Document } from '@lean-ops/common/core';
import {
  ADA,
  CHECKPOINTS,
  heldItem,
  memoryOperations,
  NOW,
  OPERATIONS,
  registered,
  REGISTRY,
  TOPIC,
} from './memory-operations';
import { OPERATIONS_OUTPUTS } from '../workspace';

const CYCLE = '20261130T062000Z-1a2b3c4d';
const lease = (untilMs: number): Document => ({
  topic_name: '*',
  layer: 'lease',
  owner: 'e',
  cycle_id: CYCLE,
  expires_at: untilMs / 1_000,
});
const note = (layer: string, cycleId = '20261130T060500Z-aaaa0000'): Document => ({
  topic_name: '*',
  layer,
  held: [{ topic_name: TOPIC, cycle_id: cycleId, since: '2026-11-30T06:02:00+00:00' }],
});
const HOLD = ['topic', 'hold', TOPIC, '--apply', '--reason', 'repair'];
const RELEASE = ['topic', 'release', TOPIC, '--apply', '--reason', 'repaired'];

describe('topic hold', () => {
  it('shows the plan, and how to apply exactly this one', async () => {
    const { run, seed } = memoryOperations();
    seed(CHECKPOINTS, lease(NOW + 60_000));
    const { code, output } = await run('topic', 'hold', TOPIC, '--until', '2h');
    expect(code).toBe(0);
    expect(output).toMatchInlineSnapshot(`
"Plan: hold telemetry.climate
  now       READY, epoch 3
  then      MAINTENANCE, epoch 4, until 08:25 UTC (in 2 h)
  stops     cycles, table-provisioner and schema uploads leave telemetry_climate alone, in both layers
  goes on   RAW and cycle_delta take its events, and other topics are as ever
  drained   when cycle 20261130T062000Z-1a2b3c4d has ended, which runs since 06:20 (5 min)
Nothing was changed. To do it:
  lean-ops topic hold telemetry.climate --until 2026-11-30T08:25:00.000Z --plan epoch=3,status=READY --apply --reason TEXT
"
`);
  });

  it('is held only when the cycle that ran has ended and the tables refuse writers', async () => {
    const { run, seed, registryItem, operations, locks } = memoryOperations();
    seed(CHECKPOINTS, lease(NOW + 30_000));
    const { code, output } = await run(...HOLD, '--until', '2026-12-01T06:00');
    expect(code).toBe(0);
    const steps = output.split('\n').filter((line) => /^\d\d:/.test(line));
    expect(steps.map((line) => line.slice(10))).toEqual([
      expect.stringMatching(/^20261130T062500Z-hold-[0-9a-f]{6} is requested$/),
      `no new cycle takes ${TOPIC}; waiting for cycle ${CYCLE} to end`,
      'no cycle that began before is at work; fencing the tables',
      'the tables are done',
      `${TOPIC} is held: no writer can commit any more`,
    ]);
    // Nobody is held up for longer than the cycle's lease.
    expect(steps[2]?.slice(0, 8)).toBe('06:25:30');
    await expect(registryItem()).resolves.toMatchObject({
      status: 'MAINTENANCE',
      epoch: 4,
      hold: { by: ADA, reason: 'repair', until: '2026-12-01T06:00:00.000Z', status_before: 'READY' },
    });
    expect(await operations()).toMatchObject([
      { kind: 'hold', state: 'DONE', step: 'ENDED', requested_by: ADA, reason: 'repair', plan: { epoch: 3 } },
    ]);
    expect(await locks()).toEqual([]);
  });

  it('holds a topic that has tables and no item yet', async () => {
    const { run, seed, registryItem } = memoryOperations({ items: [] });
    seed(CHECKPOINTS, { topic_name: TOPIC, layer: 'standardized', cycle_id: CYCLE });
    await expect(run(...HOLD)).resolves.toMatchObject({ code: 0 });
    await expect(registryItem()).resolves.toMatchObject({ status: 'MAINTENANCE', epoch: 1 });
  });

  it('refuses a topic that nobody has seen, and one that is held or being rebuilt', async () => {
    const unknown = await memoryOperations({ items: [] }).run('topic', 'hold', TOPIC);
    expect([unknown.code, unknown.output]).toEqual([1, expect.stringContaining('UNKNOWN_TOPIC: ')]);
    const held = await memoryOperations({ items: [heldItem()] }).run(...HOLD);
    expect(held.code).toBe(1);
    expect(held.output).toBe(
      `ALREADY_HELD: ${TOPIC} is held by ${ADA} since 2026-11-30T06:00:00.000Z (20261130T060000Z-hold-0000aa): repair.\n` +
        `next: lean-ops topic status ${TOPIC}; for another end of the hold: lean-ops topic hold ${TOPIC} --until TIME\n`,
    );
    const rebuilt = await memoryOperations({ items: [registered({ status: 'REBUILDING' })] }).run(...HOLD);
    expect([rebuilt.code, rebuilt.output]).toEqual([1, `HELD_OTHERWISE: ${TOPIC} is being rebuilt.\n`]);
  });

  it('gives a hold another end, and lets no writer in meanwhile', async () => {
    const { run, registryItem, operations } = memoryOperations({
      items: [heldItem({ until: '2026-11-30T06:20:00.000Z' })],
    });
    const before = await registryItem();
    const { output } = await run('topic', 'hold', TOPIC, '--until', '2h');
    expect(output).toContain(`Plan: give the hold of ${TOPIC} another end\n`);
    expect(output).toContain('then      as it is, until 08:25 UTC (in 2 h)\n');
    const plan = /--plan (\S+)/.exec(output)?.[1] ?? '';
    expect(plan).toBe('epoch=4,status=MAINTENANCE,hold=20261130T060000Z-hold-0000aa');
    const until = '2026-11-30T08:25:00.000Z';
    await expect(run(...HOLD, '--until', until, '--plan', plan)).resolves.toMatchObject({ code: 0, error: '' });
    expect(await registryItem()).toEqual({
      ...before,
      hold: { ...(before?.['hold'] as Document), until },
      updated_at: expect.any(String),
    });
    expect(await operations()).toMatchObject([{ kind: 'hold', state: 'DONE', plan: { extends: expect.any(String) } }]);
    await expect(run(...RELEASE)).resolves.toMatchObject({ code: 0 });
    await expect(run(...HOLD, '--until', '3h', '--plan', plan)).resolves.toMatchObject({ code: 1 });
  });

  it('holds no topic whose table is that of another one', async () => {
    const { run, seed, operations } = memoryOperations();
    seed(REGISTRY, { topic_name: 'table#telemetry_climate', owner: 'telemetry-climate' });
    const { code, output } = await run(...HOLD);
    expect([code, output]).toEqual([
      1,
      `TOPIC_COLLISION: the table telemetry_climate belongs to the topic telemetry-climate, so ${TOPIC} has none that could be held.\n`,
    ]);
    expect(await operations()).toEqual([]);
  });

  it('says to a second operator who has the topic, since when, and what shows it', async () => {
    const { run, operations, operator } = memoryOperations();
    const first = await run(...HOLD, '--detach');
    expect(first).toMatchObject({ code: 0, output: expect.stringMatching(/runs in AWS: lean-ops op show \S+-hold-/) });
    const bert = { ...operator, caller: () => Promise.resolve('arn:aws:iam::123456789012:user/bert') };
    expect(bert.documents).toBe(operator.documents);
    const second = await run(...HOLD);
    expect(second.code).toBe(1);
    expect(second.output).toMatch(
      new RegExp(
        `TOPIC_BUSY: \\S+ has had ${TOPIC} since 2026-11-30T06:25:00\\.000Z, requested by ${ADA} for this reason: repair\\.\n` +
          'next: lean-ops op show \\S+-hold-',
      ),
    );
    expect(await operations()).toHaveLength(1);
  });

  it('applies no other plan than the one that was shown', async () => {
    const { run, operations } = memoryOperations({ items: [registered({ status: 'ERROR', epoch: 5 })] });
    const { code, output } = await run(...HOLD, '--plan', 'epoch=3,status=READY');
    expect(code).toBe(1);
    expect(output).toContain('its epoch was 3 and is 5, its status was READY and is ERROR.');
    expect(output).toMatch(/^PLAN_STALE: /);
    expect(await operations()).toEqual([]);
    await expect(run(...HOLD, '--plan', 'epoch=5,status=ERROR')).resolves.toMatchObject({ code: 0 });
  });

  it('finds its plan stale also when the topic changes after the request, and leaves nothing behind', async () => {
    const { run, seed, operator, locks, operations, registryItem } = memoryOperations();
    const before = { ...operator.machine };
    Object.assign(operator.machine, {
      start: (...of: Parameters<typeof before.start>) => {
        seed('acme-schema-registry', registered({ epoch: 7 }));
        return before.start(...of);
      },
    });
    const { code, output } = await run(...HOLD);
    expect(code).toBe(1);
    expect(output).toContain('PLAN_STALE: ');
    expect(output).toContain('its epoch was 3 and is 7');
    expect(output).toContain('Nothing was changed.\n');
    expect(await operations()).toMatchObject([{ state: 'FAILED', step: 'REQUESTED' }]);
    expect(await locks()).toEqual([]);
    await expect(registryItem()).resolves.toEqual(registered({ epoch: 7 }));
  });

  it('has failed when it could not begin for another reason', async () => {
    const { run, operator, locks } = memoryOperations();
    const before = { ...operator.documents };
    let writes = 0;
    Object.assign(operator.documents, {
      transact: (...of: Parameters<typeof before.transact>) => {
        writes += 1;
        // The first one is the request; the second is what begins the operation.
        return writes === 2 ? Promise.reject(new Error('Begin failed: access denied')) : before.transact(...of);
      },
    });
    const { code, output } = await run(...HOLD);
    expect([code, output]).toEqual([2, expect.stringContaining('Begin failed: access denied\nNothing was changed.\n')]);
    expect(await locks()).toEqual([]);
  });

  it('says how to go on with an operation that could not be started', async () => {
    const { run, operator, registryItem } = memoryOperations();
    const before = { ...operator.machine };
    const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    Object.assign(operator.machine, { start: () => Promise.reject(denied) });
    const { code, error } = await run(...HOLD);
    expect(code).toBe(2);
    const [, id = ''] =
      /^error: (\S+) has its topic, but its start was not confirmed: .*states:StartExecution/.exec(error) ?? [];
    expect(error).toContain(`lean-ops op resume ${id}. To take it back: lean-ops op cancel ${id}.`);
    await expect(run('op', 'list')).resolves.toMatchObject({ code: 1 });
    await expect(registryItem()).resolves.toEqual(registered());
    Object.assign(operator.machine, before);
    await expect(run('op', 'resume', id)).resolves.toMatchObject({ code: 0 });
    await expect(registryItem()).resolves.toMatchObject({ status: 'MAINTENANCE' });
  });

  it('says what a long hold, and one without an end, cost', async () => {
    const { run, write } = memoryOperations();
    expect((await run('topic', 'hold', TOPIC)).output).toContain('without --until no alarm');
    expect((await run('topic', 'hold', TOPIC, '--until', '30d')).output).not.toContain('note');
    expect((await run('topic', 'hold', TOPIC, '--until', '31d')).output).toContain(
      'from 2026-12-30 on cycle_delta keeps the rows of all topics since the hold',
    );
    write('lean-ops.json', { ...OPERATIONS_OUTPUTS, rewind_window_days: 7 });
    expect((await run('topic', 'hold', TOPIC, '--until', '8d')).output).toContain(
      'from 2026-12-07 on cycle_delta keeps',
    );
  });

  it('is not applied without a reason, nor until a time that has passed', async () => {
    const { run, operations } = memoryOperations();
    for (const [args, said] of [
      [['--apply'], '--apply needs --reason TEXT'],
      [['--apply', '--reason', ' '], '--apply needs --reason TEXT'],
      [['--detach'], '--detach goes with --apply'],
      [['--plan', 'epoch=3'], '--plan goes with --apply'],
      [['--apply', '--reason', 'r', '--plan', 'nothing'], '--plan nothing is none'],
      [['--until', '2026-11-30T06:00'], '--until 2026-11-30T06:00:00.000Z has passed'],
      [['--until', 'soon'], '--until must be a span such as 30m, 12h or 2d'],
    ] as const) {
      const { code, error } = await run('topic', 'hold', TOPIC, ...args);
      expect([args, code, error]).toEqual([args, 2, expect.stringContaining(said)]);
    }
    expect(await operations()).toEqual([]);
  });

  it('has the same for programs, with what happens meanwhile beside it', async () => {
    const { run } = memoryOperations();
    const { output, error } = await run(...HOLD, '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({
      plan: { kind: 'hold', topic: TOPIC, epoch: 3, basis: 'epoch=3,status=READY', notes: [expect.any(String)] },
      refusal: null,
      operation: { kind: 'hold', state: 'DONE', requestedBy: ADA },
      end: 'ENDED',
    });
    expect(error).toContain(`${TOPIC} is held: no writer can commit any more\n`);
  });
});

describe('topic release', () => {
  it('says what waits, then what the topic took of it', async () => {
    const { run, seed, queries, clock, operator, registryItem } = memoryOperations({
      items: [heldItem()],
      ledger: [
        ['standardized', '2', '7', '5', '1', '1', '0', '0'],
        ['curated', '1', '5', '4', '0', '0', '1', '0'],
      ],
    });
    seed(CHECKPOINTS, note('raw'), note('curated', '20261130T061000Z-bbbb0000'));
    const plan = await run('topic', 'release', TOPIC);
    expect(plan.code).toBe(0);
    expect(plan.output).toContain(
      'waits     Standardized, from cycle 20261130T060500Z-aaaa0000 on, its first event came 06:02 UTC\n' +
        '  waits     Curated, from cycle 20261130T061000Z-bbbb0000 on',
    );
    // A cycle a minute later takes what was missed, one layer after the other.
    const before = { ...operator.clock };
    Object.assign(operator.clock, {
      sleep: async (milliseconds: number) => {
        await before.sleep(milliseconds);
        if (clock.now() > NOW + 60_000) seed(CHECKPOINTS, { topic_name: '*', layer: 'raw', held: [] });
        if (clock.now() > NOW + 90_000) seed(CHECKPOINTS, { topic_name: '*', layer: 'curated' });
      },
    });
    const { code, output } = await run(...RELEASE);
    expect(code).toBe(0);
    expect(output).toContain('the next cycle takes 7 messages of 2 cycles into Standardized\n');
    expect(output).toContain(`${TOPIC} is released\nIt has caught up, and took since its release:\n`);
    expect(output).toMatch(/standardized\s+2\s+7\s+5\s+1\s+1\s+0\s+0\n/);
    expect(clock.now()).toBeGreaterThan(NOW + 90_000);
    expect(queries).toEqual([
      expect.stringContaining(`WHERE topic_name = '${TOPIC}' AND finished_at >= TIMESTAMP '2026-11-30 06:25:`),
    ]);
    await expect(registryItem()).resolves.toMatchObject({ status: 'READY', epoch: 4 });
    expect(await registryItem()).not.toHaveProperty('hold');
  });

  it('accepts that rows are missing, when it is told to', async () => {
    const { run, registryItem } = memoryOperations({ items: [heldItem()] });
    const plan = await run('topic', 'release', TOPIC, '--accept-gap');
    expect(plan.output).toContain('gap       rows of cycles before now that cycle_delta has lost stay missing');
    expect(plan.output).toContain(`lean-ops topic release ${TOPIC} --accept-gap --plan `);
    expect((await run(...RELEASE, '--accept-gap', '--timeout', '30')).code).toBe(0);
    await expect(registryItem()).resolves.toMatchObject({ gap_accepted: expect.stringMatching(/-release-/) });
  });

  it('does not wait for a cycle for ever', async () => {
    const { run, seed, queries } = memoryOperations({ items: [heldItem()] });
    seed(CHECKPOINTS, note('raw'));
    const { code, output } = await run(...RELEASE, '--timeout', '30');
    expect(code).toBe(2);
    expect(output).toContain(
      `No cycle has taken all that it missed yet. It is on its way: lean-ops topic status ${TOPIC}\n`,
    );
    expect(queries).toEqual([]);
  });

  it('waits for the note of a cycle that began before the release, and for the second layer of the next one', async () => {
    const { run, seed, clock, operator, queries } = memoryOperations({ items: [heldItem()] });
    seed(CHECKPOINTS, lease(NOW + 600_000));
    const before = { ...operator.clock };
    const at = (seconds: number): boolean => clock.now() >= NOW + seconds * 1_000;
    Object.assign(operator.clock, {
      sleep: async (milliseconds: number) => {
        await before.sleep(milliseconds);
        // The cycle that saw the hold ends with its note; the next one takes Standardized first, then Curated.
        if (at(60)) seed(CHECKPOINTS, note('raw'), lease(0));
        if (at(90)) seed(CHECKPOINTS, { ...lease(NOW + 600_000), cycle_id: '20261130T062630Z-cccc0000' });
        if (at(120)) seed(CHECKPOINTS, { topic_name: '*', layer: 'raw' });
        if (at(180)) seed(CHECKPOINTS, lease(0));
      },
    });
    await expect(run(...RELEASE)).resolves.toMatchObject({ code: 0 });
    expect(queries).toHaveLength(1);
    expect(at(180)).toBe(true);
  });

  it('has nothing to release where nothing is held', async () => {
    const { code, output } = await memoryOperations().run(...RELEASE);
    expect([code, output]).toEqual([1, expect.stringContaining('NOT_HELD: ')]);
  });

  it('releases what somebody held by hand', async () => {
    const { run, registryItem } = memoryOperations({ items: [registered({ status: 'MAINTENANCE' })] });
    expect((await run('topic', 'release', TOPIC)).output).toContain('held      by hand, without an operation');
    await expect(run(...RELEASE)).resolves.toMatchObject({ code: 0 });
    await expect(registryItem()).resolves.toMatchObject({ status: 'READY' });
  });
});

describe('topic status', () => {
  it('names the topics of which there is anything to say, and ends with 1 when a hold is overdue', async () => {
    const quiet = registered({ topic_name: 'a.quiet' });
    const held = memoryOperations({ items: [quiet, heldItem({ until: '2026-11-30T07:00:00.000Z' })] });
    const well = await held.run('topic', 'status');
    expect(well.code).toBe(0);
    expect(well.output).toMatch(/telemetry\.climate +held +06:00 +07:00 +assumed-role\/operators\/ada +repair/);
    expect(well.output).not.toContain('a.quiet');
    const overdue = memoryOperations({ items: [heldItem({ until: '2026-11-30T06:20:00.000Z' })] });
    await expect(overdue.run('topic', 'status')).resolves.toMatchObject({
      code: 1,
      output: expect.stringMatching(/held, overdue +06:00 +06:20 /),
    });
    overdue.seed(CHECKPOINTS, note('raw'));
    // What somebody looks for stays whole, also beside long reasons.
    expect((await overdue.run('topic', 'status')).output).toMatch(
      /telemetry\.climate +held, overdue .* events since 06:02/,
    );
    await expect(memoryOperations().run('topic', 'status')).resolves.toMatchObject({
      code: 0,
      output: 'No topic is held, and no operation is at work.\n',
    });
  });

  it('says everything about one topic', async () => {
    const upload = { etag: 'e', sequencer: '05', since: '2026-11-30T06:10:00.000Z' };
    const { run, seed } = memoryOperations({
      items: [heldItem({ until: '2026-11-30T06:20:00.000Z' }, { waiting_upload: upload })],
    });
    seed(CHECKPOINTS, note('raw'));
    const { code, output } = await run('topic', 'status', TOPIC);
    expect(code).toBe(1);
    expect(output).toMatchInlineSnapshot(`
"telemetry.climate: held, overdue (MAINTENANCE, epoch 4)
  held      since 06:00 (25 min), by assumed-role/operators/ada
  why       repair
  until     06:20 UTC (overdue by 5 min)
  operation 20261130T060000Z-hold-0000aa
  waits     Standardized, from cycle 20261130T060500Z-aaaa0000 on, its first event came 06:02 UTC
  waits     a schema upload since 06:10 (15 min)
next: lean-ops topic release telemetry.climate
"
`);
    const { output: json } = await run('topic', 'status', '--format', 'json');
    expect(JSON.parse(json)).toMatchObject({
      topics: [{ topic: TOPIC, held: true, overdue: true, waiting: { cycles: [{ layer: 'standardized' }] } }],
    });
  });

  it('shows a topic that is not held and has not caught up: released, or stuck until somebody decides', async () => {
    const { run, seed } = memoryOperations();
    seed(CHECKPOINTS, note('curated'));
    await expect(run('topic', 'status')).resolves.toMatchObject({
      code: 0,
      output: expect.stringContaining('not caught up'),
    });
  });

  it('knows no topic that nobody has seen', async () => {
    await expect(memoryOperations().run('topic', 'status', 'no.such')).resolves.toMatchObject({ code: 2 });
  });
});

describe('topic status after a bad cycle', () => {
  const proposal: Document = {
    topic_name: '*',
    layer: 'curated',
    proposals: [
      {
        topic_name: TOPIC,
        since: '2026-11-30T06:20:10+00:00',
        cycle_id: CYCLE,
        to_cycle: '20261130T060500Z-aaaa0000',
        error: '30 of 40 messages were rejected, and more than 50 % are too many',
      },
    ],
  };

  it('says what was bad and how to take it back, and asks for somebody', async () => {
    const { run, seed } = memoryOperations();
    seed(CHECKPOINTS, proposal);
    const { code, output } = await run('topic', 'status', TOPIC);
    expect(code).toBe(1);
    expect(output).toBe(
      [
        `${TOPIC}: a rewind is proposed (READY, epoch 3)`,
        `  bad       cycle ${CYCLE} in curated, since 06:20: 30 of 40 messages were rejected, and more than 50 % are too many`,
        `  proposed  lean-ops topic rewind ${TOPIC} --to 20261130T060500Z-aaaa0000`,
        '',
      ].join('\n'),
    );
    await expect(run('topic', 'status')).resolves.toMatchObject({
      output: expect.stringContaining('a rewind is proposed'),
    });
  });

  it('says nothing of it once the topic was released', async () => {
    const { run, seed } = memoryOperations();
    seed(CHECKPOINTS, proposal);
    seed(REGISTRY, { ...registered(), released_at: '2026-11-30T06:21:00.000Z' });
    await expect(run('topic', 'status', TOPIC)).resolves.toMatchObject({ code: 0 });
  });
});

describe('a run without --apply', () => {
  it('writes nothing, and starts nothing', async () => {
    const { run, seed, documents, executions } = memoryOperations({
      items: [heldItem(), registered({ topic_name: 'a.b' })],
    });
    seed(CHECKPOINTS, note('raw'), lease(NOW + 60_000));
    seed(OPERATIONS, { operation_id: 'topic#a.b', holder: '20261130T062400Z-hold-abcdef', since: 's' });
    const before = JSON.stringify([...documents.documents]);
    for (const args of [
      ['topic', 'hold', TOPIC],
      ['topic', 'hold', 'a.b'],
      ['topic', 'release', TOPIC],
      ['topic', 'release', 'a.b'],
      ['topic', 'status'],
      ['topic', 'status', TOPIC],
      ['op', 'list'],
    ]) {
      await run(...args);
      expect(JSON.stringify([...documents.documents])).toBe(before);
    }
    expect(executions.size).toBe(0);
  });
});
