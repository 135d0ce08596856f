/** `lean-ops errors ignore` and `reopen`, and what `top` and `show` make of it and of replays that run. */
import { describe, expect, it } from '@jest/globals';
import {
  ignoredItem,
  ignoredKeyOf,
  newOperation,
  operationItem,
  type Document,
  type TopicName,
} from '@lean-ops/common/core';
import { ADA, memoryOperations, NOW, OPERATIONS, TOPIC } from '../operations/memory-operations';

const ONE = 'E1-3f0ac91b7d';
const REASON = ['--reason', 'two old devices'];

/** A row of topErrorsStatement's result. */
const group = (state: string, wanted = '1', fingerprint = ONE, hidden = '0') => [
  ...[fingerprint, 'curated', TOPIC, 'level minimum', state, '14', '0', '9', '0', ''],
  ...[
    '2026-11-21 09:00:00.000000',
    '2026-11-23 11:45:00.123000',
    '12',
    '2',
    wanted,
    wanted === '1' ? '14' : '0',
    wanted,
    hidden,
    wanted,
  ],
];

function world(groups: readonly (readonly (string | null)[])[] = [group('open')]) {
  const all = memoryOperations({
    answer: (sql) => (sql.includes('AS said') ? [] : sql.includes('AS wanted') ? groups : undefined),
  });
  const mark = () => all.documents.get(OPERATIONS, ignoredKeyOf(ONE));
  return { ...all, mark };
}

describe('errors ignore', () => {
  it('puts on record who ignores what, since when, until when and why', async () => {
    const { run, mark } = world();
    const { code, output } = await run('errors', 'ignore', ONE, '--until', '2d', ...REASON);
    expect(code).toBe(0);
    expect(output).toMatchInlineSnapshot(`
      "E1-3f0ac91b7d of telemetry.climate is ignored: errors top leaves its 14 open rows out.
        ignored   since 06:25 by assumed-role/operators/ada, until 2026-12-02 06:25: two old devices
      to see to it again: lean-ops errors reopen E1-3f0ac91b7d --reason TEXT
      "
    `);
    expect(await mark()).toEqual({
      operation_id: `ignored#${ONE}`,
      topic: TOPIC,
      by: ADA,
      reason: 'two old devices',
      since: '2026-11-30T06:25:00.000Z',
      until: '2026-12-02T06:25:00.000Z',
    });
  });

  it('gives what is ignored another reason and end, and says what it had', async () => {
    const { run, mark, clock } = world();
    await run('errors', 'ignore', ONE, ...REASON);
    await clock.sleep(60_000);
    const { output } = await run(
      'errors',
      'ignore',
      ONE,
      '--until',
      '2026-12-24',
      '--reason',
      'until the new firmware',
    );
    expect(output).toContain('  instead   since 06:25 by assumed-role/operators/ada: two old devices\n');
    expect(await mark()).toMatchObject({ reason: 'until the new firmware', until: '2026-12-24T00:00:00.000Z' });
  });

  it('is taken back by reopen, which stays on record too', async () => {
    const { run, mark } = world();
    await run('errors', 'ignore', ONE, ...REASON);
    const { code, output } = await run('errors', 'reopen', ONE, '--reason', 'there are more');
    expect([code, output]).toEqual([0, expect.stringContaining(`${ONE} of ${TOPIC} is open again.\n`)]);
    expect(await mark()).toMatchObject({
      reason: 'two old devices',
      reopened: { by: ADA, reason: 'there are more', at: '2026-11-30T06:25:00.000Z' },
    });
    const again = await run('errors', 'reopen', ONE, '--reason', 'there are more');
    expect([again.code, again.error]).toEqual([1, `NOT_IGNORED: ${ONE} is not ignored, or not any more.\n`]);
    expect((await run('errors', 'ignore', ONE, ...REASON)).output).not.toContain('instead');
    expect(await mark()).not.toHaveProperty('reopened');
  });

  it.each(['ignore', 'reopen'])('of one of two people at the same time: %s', async (command) => {
    const { run, documents, mark } = world();
    if (command === 'reopen') await run('errors', 'ignore', ONE, ...REASON);
    const put = documents.put.bind(documents);
    let first = true;
    documents.put = async (table, document, condition) => {
      if (first) {
        first = false;
        await put(table, { ...document, since: '2026-11-30T06:24:59.000Z', by: 'somebody else' });
      }
      return put(table, document, condition);
    };
    const { code, error } = await run('errors', command, ONE, ...REASON);
    expect([code, error]).toEqual([1, expect.stringContaining('STALE: somebody else has just ignored')]);
    expect(await mark()).toMatchObject({ by: 'somebody else' });
  });

  it.each([
    ['no reason', [ONE], 'needs --reason TEXT'],
    ['a time that has passed', [ONE, '--until', '2026-11-01', ...REASON], 'has passed'],
    ['what is no fingerprint', ['E2-1', ...REASON], 'must be a fingerprint'],
  ])('takes no %s', async (_, words, said) => {
    const { code, error } = await world().run('errors', 'ignore', ...words);
    expect([code, error]).toEqual([2, expect.stringContaining(said)]);
  });

  it('refuses what is not on record', async () => {
    const { code, error } = await world([]).run('errors', 'ignore', ONE, ...REASON);
    expect([code, error]).toEqual([2, expect.stringContaining('no error has the fingerprint')]);
  });

  it('has the mark for programs', async () => {
    const { run } = world();
    const { output } = await run('errors', 'ignore', ONE, ...REASON, '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({ fingerprint: ONE, topic: TOPIC, by: ADA });
    const reopened = await run('errors', 'reopen', ONE, ...REASON, '--format', 'json');
    expect(JSON.parse(reopened.output)).toMatchObject({ fingerprint: ONE, reopened: { by: ADA } });
  });
});

describe('what is ignored', () => {
  const marked = (changes: Document = {}): Document => ({
    ...ignoredItem({
      fingerprint: ONE,
      topic: TOPIC,
      by: ADA,
      reason: 'two old devices',
      since: '2026-11-30T06:00:00.000Z',
      until: undefined,
      reopened: undefined,
    }),
    ...changes,
  });

  it('is left out of errors top, which says how many that are', async () => {
    const { run, seed, queries } = world([group('ignored', '0', ONE, '1')]);
    seed(OPERATIONS, marked());
    const { code, output } = await run('errors', 'top');
    expect([code, output]).toEqual([0, 'No open errors.\n1 fingerprint ignored: --state ignored\n']);
    expect(queries[0]).toContain(`WHEN fingerprint IN ('${ONE}') THEN 'ignored' WHEN first_open`);
  });

  it('is listed when it is asked for, with who ignores it', async () => {
    const { run, seed } = world([group('ignored')]);
    seed(OPERATIONS, marked());
    const { code, output } = await run('errors', 'top', '--state', 'ignored');
    expect([code, output]).toEqual([0, expect.stringMatching(/^14 ignored rows of 1 fingerprint in 1 topic\./)]);
    const json = await run('errors', 'top', '--state', 'all', '--format', 'json');
    expect(JSON.parse(json.output)).toMatchObject({ groups: [{ state: 'ignored', ignored: { by: ADA } }], hidden: 0 });
    const shown = await run('errors', 'show', ONE);
    expect(shown.output).toContain('  ignored   since 06:00 by assumed-role/operators/ada: two old devices\n');
    expect(shown.output).toContain(`lean-ops errors reopen ${ONE} --reason TEXT`);
  });

  it.each([
    ['past its end', { until: '2026-11-30T06:24:00.000Z' }],
    ['that was reopened', { reopened: { by: ADA, reason: 'r', at: '2026-11-30T06:10:00.000Z' } }],
  ])('counts no more %s', async (_, changes) => {
    const { run, seed, queries } = world();
    seed(OPERATIONS, marked(changes));
    await run('errors', 'top');
    expect(queries[0]).not.toContain("THEN 'ignored'");
  });
});

describe('a replay that runs', () => {
  const operation = (plan: Document, changes: Document = {}): Document => ({
    ...operationItem(
      newOperation(
        {
          operationId: '20261130T062000Z-replay-0a1b2c',
          kind: 'replay',
          topic: TOPIC as TopicName,
          requestedBy: ADA,
          reason: 'r',
          plan,
        },
        new Date(NOW),
      ),
    ),
    ...changes,
  });

  it.each([
    ['of the whole topic', operation({}), 'replaying'],
    ['of the cause', operation({ causes: [{ layer: 'curated', signature: 'level minimum' }] }), 'replaying'],
    ['of another cause', operation({ causes: [{ layer: 'curated', signature: 'level type' }] }), 'open'],
    ['of single rows', operation({ error_ids: ['a'] }), 'open'],
    ['of another topic', operation({}, { topic: 'tank.level' }), 'open'],
    ['that has ended', operation({}, { state: 'DONE' }), 'open'],
  ])('%s', async (_, item, state) => {
    const { run, seed } = world();
    seed(OPERATIONS, item);
    const { output } = await run('errors', 'show', ONE, '--format', 'json');
    expect(JSON.parse(output)).toMatchObject({ group: { state } });
    expect((await run('errors', 'top')).output.includes('replaying')).toBe(state === 'replaying');
  });
});
