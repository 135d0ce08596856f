/**
 * A topic's tables are taken back, rebuilt, rid of a person, and get what was refused before, by the command and under the documented policies of those who do it,
 * with the role of each function and job enforced. The topics share the cycles. It runs alone, as cycles of other tests would move
 * the points on and hold up the drain.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { execa } from 'execa';
import { budget } from '../../../packages/common/src/testing/budget';
import { connect, output } from '../../../scripts/local/clients';
import { runCycle } from '../../../scripts/local/cycle';
import { CREDENTIALS, endpointOf } from '../../../scripts/local/emulator-process';
import { ROOT, TOOLS } from '../../../scripts/local/paths';
import { everythingOf } from '../everything';
import { leanOps, type Ran } from '../lean-ops';
import { holderOf } from '../rights';
import { PAGES_OF_TABLES, runbookBlocks, SETUP_PAGE } from '../runbooks/blocks';
import { openShell, type Shell } from '../runbooks/shell';
import { freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const thoroughly = budget({ eachRun: 0, thorough: 1 }) === 1 ? it : it.skip;
const stack = theStack();
const { dynamodb, sfn } = connect(stack);
const quiet = (): void => undefined;
const owner = leanOps(stack);
const policy = (name: string): string => path.join(ROOT, 'docs/policies', `${name}.json`);
const PAGES = runbookBlocks();
const run = new Map<string, number>();
let operator: (...args: string[]) => Promise<Ran>;
let eraser: (...args: string[]) => Promise<Ran>;
/** Has the eraser's keys for the command, and the account's for the AWS CLI. */
let shell: Shell;

const [rewound, tanks, person, other, mended] = ['rewound', 'tanks', 'person', 'other', 'mended'].map(freshTopic) as [
  string,
  string,
  string,
  string,
  string,
];
/** Messages that the first schema rejects: enough of them, and most of their cycle. */
const REJECTED = Array.from({ length: 20 }, (_, n) => `r${n + 10}`);
const KEY = "kim.o'neill@example.org";
const SECRET = 'lives-in-5a17-street';

const event = (topic: string, id: string, payload: object, more: object = {}): string =>
  JSON.stringify({ topic_name: topic, message_id: id, produced_at: '2026-11-30T06:00:00Z', ...more, payload });
const ofPerson = (id: string, text: string, key = KEY): string => event(person, id, { text }, { idempotency_key: key });
const schema = (topic: string, version: number, properties: object): string =>
  JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Measured',
    'x-topic': topic,
    'x-version': version,
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string', 'x-cde': true }, ...properties },
  });
/** A schema whose critical `level` goes up to `maximum`, and `phase` up to the version. more: keywords of the schema. */
const measured = (version: number, maximum: number, more: object = {}): string =>
  JSON.stringify({
    ...(JSON.parse(
      schema(mended, version, {
        level: { type: 'number', 'x-cde': true, maximum },
        phase: { type: 'integer', maximum: version },
      }),
    ) as object),
    ...more,
  });
/** Runs the next block of a runbook with other values for those of its page, prints what it printed, and expects that. */
async function block(
  page: string,
  values: Readonly<Record<string, string>>,
  printed: RegExp,
  code = 0,
): Promise<string> {
  const at = run.get(page) ?? 0;
  run.set(page, at + 1);
  const text = PAGES.get(page)?.[at]?.text ?? 'false';
  const ours = text.replace(/\b(TOPIC|CYCLE|KEY)=[^ $\n]+/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : `${name}=${JSON.stringify(value)}`;
  });
  const output = await shell.run(ours, [code]);
  process.stdout.write(`${ours}---\n${output}\n`);
  expect(output).toMatch(printed);
  return output;
}
const ids = async (layer: string, topic: string): Promise<unknown[]> =>
  (await rows(stack, `SELECT message_id FROM {${layer}}."${tableOf(topic)}" ORDER BY 1`)).map(
    (row) => row['message_id'],
  );
const columns = async (): Promise<string[]> =>
  Object.keys((await rows(stack, `SELECT * FROM {standardized}."${tableOf(rewound)}" LIMIT 1`))[0] ?? {});
const levels = (): Promise<Record<string, unknown>[]> =>
  rows(
    stack,
    `SELECT message_id, typeof(level) AS type, CAST(level AS varchar) AS level FROM {curated}."${tableOf(tanks)}" ORDER BY 1`,
  );
const points = async (): Promise<{ cycle_id: string; current: readonly string[]; aligned: boolean }[]> =>
  (JSON.parse((await operator('topic', 'points', rewound, '--format', 'json')).output) as { points: [] }).points;
/** Every object of every bucket in all its versions, and every item of every table, that has the text. */
async function placesOf(text: string): Promise<readonly string[]> {
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const search = path.join(ROOT, 'tests/e2e/documents/search_objects.py');
  const { stdout } = await execa(TOOLS.python, [search, endpointOf(stack.port), text, accessKeyId, secretAccessKey]);
  return JSON.parse(stdout) as string[];
}

beforeAll(async () => {
  ({ run: operator } = leanOps(
    stack,
    await holderOf(stack, ['operator', 'status', 'errors', 'replay'].map(policy), 'rewinder'),
  ));
  const keys = await holderOf(stack, ['operator', 'status', 'forget'].map(policy), 'eraser');
  ({ run: eraser } = leanOps(stack, keys));
  const [setup] = PAGES.get(SETUP_PAGE) ?? [];
  const variables = Object.entries(keys).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  shell = await openShell(stack, `${setup?.text ?? ''}\npnpm() { env ${variables.join(' ')} pnpm "$@"; }\n`);
  owner.write('rewound.json', schema(rewound, 1, { kind: { type: 'string', enum: ['known'], 'x-cde': true } }));
  owner.write('tanks.json', schema(tanks, 1, { level: { type: 'number' } }));
  owner.write('mended.json', measured(1, 60));
  for (const file of ['rewound.json', 'tanks.json', 'mended.json'])
    await expect(owner.run('schema', 'push', file)).resolves.toMatchObject({ code: 0 });
  owner.write('tanks.json', schema(tanks, 2, { level: { type: 'string' } }));
  await send(stack, event(rewound, 'a', { id: 'a', kind: 'known' }));
  await send(stack, event(tanks, 'a', { id: 'a', level: 1.5 }));
  await send(stack, event(tanks, 'b', { id: 'b', level: 2.5 }));
  for (const [id, level, phase] of [
    ['ok', 1, 1],
    ['hot', 70, 2],
    ['odd', 2, 2],
    ['never', 700, 1],
  ] as const)
    await send(stack, event(mended, id, { id, level, phase }, { idempotency_key: id === 'odd' ? 'o' : id }));
  await send(stack, ofPerson('gone-1', SECRET));
  await send(stack, ofPerson('kept-1', 'somebody else', `${KEY}.2`));
  // Parse errors and dead letters have the person's events as well.
  await send(stack, ofPerson('gone-2', SECRET).replace(/"payload":.*/, `"payload":{'a':'${SECRET}'}}`));
  await send(stack, JSON.stringify({ idempotency_key: KEY, message_id: 'gone-3', payload: { text: SECRET } }));
  await send(stack, event(other, 'kept-2', { text: 'of another topic' }));
  await settle(stack);
  await runCycle(stack, quiet);
  await send(stack, event(rewound, 'b', { id: 'b', kind: 'known' }));
  await send(stack, event(rewound, 'c', { id: 'c', kind: 'known', wrong: true }));
  for (const id of REJECTED) await send(stack, event(rewound, id, { id, kind: 'new' }));
  await runCycle(stack, quiet);
  // The planner counts what the cycle before has proposed.
  await runCycle(stack, quiet);
  await send(stack, ofPerson('gone-4', `${SECRET}, corrected`));
  await send(stack, event(other, 'kept-3', { text: 'not taken yet' }));
  await settle(stack);
}, 400_000);

describe('a topic whose cycle was bad', () => {
  const page = 'rewind-proposed';

  it('is proposed to be taken back, with what was wrong', async () => {
    await expect(
      shell.run(
        'aws cloudwatch describe-alarms --alarm-names lean-ops-rewind-proposed --query MetricAlarms[].StateValue',
      ),
    ).resolves.toContain('ALARM');
    await block(page, {}, /a rewind is proposed for \d+ topics?[^]*20 of 22 messages[^]*lean-ops topic rewind /, 1);
    await block(page, { TOPIC: rewound }, /\nkind\tenum\tnew\t1\t20\n/);
  }, 60_000);

  it('has both tables of the cycle before, which is told to readers', async () => {
    const [last, first] = await points();
    expect(last).toMatchObject({ aligned: true, current: ['standardized', 'curated'] });
    expect(first?.aligned).toBe(true);
    const values = { TOPIC: rewound, CYCLE: first?.cycle_id ?? '' };
    const before = await everythingOf(stack);
    await block(page, values, /\n *\S+ +\d\d:\d\d +23 +3 +1 +current\n *\S+ +\d\d:\d\d +1 +1 +1 +–\n/);
    const plan = await block(page, values, /columns +Standardized loses wrong\n/);
    expect(plan).toMatch(/moves +Curated: 3 rows in \d+ files? of \S+ \w+ to 1 row in 1 file/);
    expect(plan).toMatch(/takes +22 messages of 1 cycle again/);
    const [, basis = ''] = /--plan (\S+)/.exec(plan) ?? [];
    for (const [command, ...options] of [['hold'], ['rebuild', '--from', 'raw']] as const)
      await expect(operator('topic', command, rewound, ...options)).resolves.toMatchObject({ code: 0 });
    await expect(everythingOf(stack)).resolves.toEqual(before);
    const done = await block(page, values, /the next cycle takes 22 messages of 1 cycle again\n/);
    expect(done).toContain('curated 3 rows to 1 row, standardized 23 rows to 1 row');
    for (const layer of ['standardized', 'curated']) await expect(ids(layer, rewound)).resolves.toEqual(['a']);
    expect(await columns()).not.toContain('wrong');
    const again = ['topic', 'rewind', rewound, '--to', values.CYCLE, '--plan', basis, '--apply', '--reason', 'again'];
    await expect(operator(...again)).resolves.toMatchObject({ code: 1 });
    const { sfn: arn } = await rewindOf();
    const history = await sfn.send(new GetExecutionHistoryCommand({ executionArn: arn }));
    const entered = (history.events ?? []).map((one) => one.stateEnteredEventDetails?.name);
    expect(entered).toEqual(expect.arrayContaining(['Finish', 'TellReaders', 'Done']));
  }, 300_000);

  it('is judged by a schema that is mended before the next cycle', async () => {
    owner.write(
      'rewound.json',
      schema(rewound, 2, { kind: { type: 'string', enum: ['known', 'new'], 'x-cde': true } }),
    );
    await expect(owner.run('schema', 'push', 'rewound.json')).resolves.toMatchObject({ code: 0 });
  }, 60_000);
});

async function rewindOf(): Promise<{ readonly id: string; readonly sfn: string }> {
  const listed = await operator('op', 'list', '--topic', rewound, '--format', 'json');
  const { operations } = JSON.parse(listed.output) as {
    operations: { operationId: string; executionArn: string; kind: string }[];
  };
  const rewind = operations.find(({ kind }) => kind === 'rewind');
  return { id: rewind?.operationId ?? '', sfn: rewind?.executionArn ?? '' };
}

describe('a person who is erased', () => {
  const page = 'erasure-request';

  it('is in no object any more', async () => {
    const before = (await placesOf(SECRET)).join('\n');
    for (const place of ['lean_ops_raw/events/data', 'cycle_delta', 'parse_errors', '/dlq/_unknown/', tableOf(person)])
      expect(before).toContain(place);
    const values = { TOPIC: person, KEY };
    await block(page, values, /RAW: 3 rows\n[^]*cycle_delta: 2 rows\n[^]*Standardized: 1 row\n/);
    await block(page, values, /erased: rows of [^]* is given back\n$/);
    await expect(placesOf(SECRET)).resolves.toEqual([]);
    await expect(placesOf('gone-')).resolves.toEqual([]);
    const left = await placesOf(KEY.slice(0, 15));
    // The longer key of somebody else begins with the same characters.
    const longer = await placesOf(`${KEY}.2`);
    expect(left.filter((place) => !longer.includes(place) && !place.endsWith('.avro'))).toEqual([]);
  }, 400_000);

  it('has a report', async () => {
    const report = await block(page, { TOPIC: person }, /\| events as they were received \(RAW\) \| 3 rows \|/);
    expect(report).toContain('| dead letters in the archive | 1 object |');
    expect(report).not.toContain('neill');
  }, 60_000);
});

describe('a breaking change', () => {
  it('is refused, planned as a rebuild, and pushed: people read the old rows until the swap, and then the new ones', async () => {
    const refused = await owner.run('schema', 'push', 'tanks.json');
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('schema push --breaking')]);
    const plan = await owner.run('schema', 'plan', tanks, 'tanks.json', '--breaking', '--days', 'all');
    expect([plan.code, plan.output]).toEqual([0, expect.stringContaining('Curated is rebuilt under version 2')]);
    expect(plan.output).toContain('Validated 2 rows');
    expect(await levels()).toMatchObject([{ type: 'double', level: expect.stringContaining('1.5') }, {}]);
    let over = false;
    const seen = new Set<string>();
    const poll = async (): Promise<void> => {
      while (!over) {
        seen.add((await levels()).map(({ message_id: id, type }) => `${String(id)} ${String(type)}`).join());
        await sleep(1_000);
      }
    };
    const polling = poll();
    const pushed = await owner.run('schema', 'push', 'tanks.json', '--breaking', '--reason', 'tanks send words now');
    over = true;
    await polling;
    expect([pushed.code, pushed.output, pushed.error]).toEqual([0, expect.stringContaining('READY'), '']);
    expect(['a double,b double', 'a string,b string']).toEqual(expect.arrayContaining([...seen]));
    expect(await levels()).toMatchObject([
      { message_id: 'a', type: 'string', level: '1.5' },
      { message_id: 'b', type: 'string', level: '2.5' },
    ]);
    const table = output(stack, 'schema_registry_table');
    const { Item: item } = await dynamodb.send(
      new GetItemCommand({ TableName: table, Key: { topic_name: { S: tanks } } }),
    );
    expect(item).toMatchObject({ status: { S: 'READY' }, schema_version: { N: '2' } });
    for (const gone of ['activating', 'waiting_upload', 'hold']) expect(item).not.toHaveProperty(gone);
  }, 400_000);
});

describe('errors whose schema was mended', () => {
  const values = (): Promise<Record<string, unknown>[]> =>
    rows(stack, `SELECT message_id, phase FROM {curated}."${tableOf(mended)}" ORDER BY 1`);
  const top = async (...words: string[]): Promise<unknown> => {
    const { output: text } = await operator('errors', 'top', '--topic', mended, '--format', 'json', ...words);
    return (JSON.parse(text) as { groups: { rows: number; resolved: number; state: string }[] }).groups.map(
      ({ rows: open, resolved, state }) => [state, open, resolved],
    );
  };

  it('come in when they are replayed, and are closed; what is wrong still stays open', async () => {
    await expect(values()).resolves.toMatchObject([
      { message_id: 'odd', phase: null },
      { message_id: 'ok', phase: '1' },
    ]);
    owner.write('mended.json', measured(2, 120));
    const pushed = await owner.run('schema', 'push', 'mended.json');
    process.stdout.write(pushed.output);
    expect([pushed.code, pushed.output]).toEqual([
      0,
      expect.stringContaining(
        `2 open errors of 2 fingerprints are valid under version 2: lean-ops errors replay --topic ${mended} --apply --reason TEXT`,
      ),
    ]);
    const before = await everythingOf(stack);
    const plan = await operator('errors', 'replay', '--topic', mended);
    process.stdout.write(plan.output);
    expect([plan.code, plan.error]).toEqual([0, '']);
    await expect(everythingOf(stack)).resolves.toEqual(before);
    const done = await operator('errors', 'replay', '--topic', mended, '--apply', '--reason', 'version 2 takes them');
    process.stdout.write(done.output);
    expect([done.code, done.output]).toEqual([0, expect.stringContaining('is given back')]);
    await expect(values()).resolves.toMatchObject([
      { message_id: 'hot', phase: '2' },
      { message_id: 'odd', phase: '2' },
      { message_id: 'ok', phase: '1' },
    ]);
    await expect(top('--state', 'all')).resolves.toEqual([
      ['open', 1, 1],
      ['resolved', 0, 1],
      ['resolved', 0, 1],
    ]);
    await expect(
      rows(stack, `SELECT status, replayed FROM {ops}."ledger" WHERE topic_name = '${mended}' AND replayed > 0`),
    ).resolves.toMatchObject([{ status: 'REPLAYED' }]);
  }, 300_000);

  it('come in by themselves under a version that says so, which the push tells', async () => {
    owner.write('mended.json', measured(3, 720, { 'x-replay-errors': true }));
    const pushed = await owner.run('schema', 'push', 'mended.json');
    process.stdout.write(pushed.output);
    expect([pushed.code, pushed.output]).toEqual([
      0,
      expect.stringMatching(
        /1 open error of 1 fingerprint is valid under version 3: it is being replayed, lean-ops op show \S+-replay-\w+\n/,
      ),
    ]);
    const [, id = ''] = /lean-ops op show (\S+)/.exec(pushed.output) ?? [];
    const replay = async (): Promise<{ state: string }> =>
      (JSON.parse((await operator('op', 'show', id, '--format', 'json')).output) as { operation: { state: string } })
        .operation;
    while ((await replay()).state === 'RUNNING') await sleep(1_000);
    await expect(replay()).resolves.toMatchObject({
      state: 'DONE',
      topic: mended,
      reason: 'version 3 of the schema has x-replay-errors',
      counts: { selected: 1, replayed: 1 },
    });
    await expect(values()).resolves.toMatchObject([{ message_id: 'hot' }, { message_id: 'never', phase: '1' }, {}, {}]);
    await expect(top()).resolves.toEqual([]);
  }, 300_000);
});

describe('the next cycle', () => {
  it('takes again what was taken back, brings nobody back, and writes under the new type', async () => {
    await send(stack, event(tanks, 'c', { id: 'c', level: 'full' }));
    await runCycle(stack, quiet);
    for (const layer of ['standardized', 'curated'])
      await expect(ids(layer, rewound)).resolves.toEqual(['a', 'b', 'c', ...REJECTED]);
    await expect(ids('standardized', person)).resolves.toEqual(['kept-1']);
    await expect(ids('standardized', other)).resolves.toEqual(['kept-2', 'kept-3']);
    await expect(placesOf(SECRET)).resolves.toEqual([]);
    expect((await eraser('topic', 'forget', person, '--key', KEY)).output).toContain('no row: these tables have none');
    expect(await levels()).toMatchObject([{}, {}, { message_id: 'c', type: 'string', level: 'full' }]);
    const drift = `SELECT change_type, layer FROM {ops}."drift_log" WHERE topic_name = '${rewound}' AND change_type IN`;
    await expect(rows(stack, `${drift} ('REWOUND', 'TABLE_ROLLED_BACK') ORDER BY layer`)).resolves.toEqual([
      { change_type: 'REWOUND', layer: 'curated' },
      { change_type: 'REWOUND', layer: 'standardized' },
    ]);
    const topics = [person, other].map((one) => `'${one}'`).join();
    const ledger = await rows(stack, `SELECT DISTINCT status FROM {ops}."ledger" WHERE topic_name IN (${topics})`);
    expect(ledger).toEqual([{ status: 'SUCCEEDED' }]);
  }, 200_000);

  thoroughly(
    'is undone with the rewind, and all is taken once after it',
    async () => {
      const { id } = await rewindOf();
      const undo = await operator('topic', 'undo', id, '--apply', '--reason', 'it was right');
      expect(undo).toMatchObject({ code: 0, error: '' });
      await expect(ids('curated', rewound)).resolves.toEqual(['a', 'b', 'c']);
      await expect(ids('standardized', rewound)).resolves.toEqual(['a', 'b', 'c', ...REJECTED]);
      expect(await columns()).toContain('wrong');
      // No event has come: the planner starts a cycle because the topic was given back.
      await expect(runCycle(stack, quiet)).resolves.toMatchObject({ reason: 'CATCH_UP' });
      await send(stack, event(rewound, 'd', { id: 'd', kind: 'new' }));
      await runCycle(stack, quiet);
      await expect(ids('standardized', rewound)).resolves.toEqual(['a', 'b', 'c', 'd', ...REJECTED]);
      await expect(ids('curated', rewound)).resolves.toEqual(['a', 'b', 'c', 'd']);
      const again = await operator('topic', 'undo', id);
      expect(again).toMatchObject({ code: 1, output: expect.stringMatching(/^UNDO_GONE: /) });
      expect((await points()).length).toBeGreaterThan(2);
    },
    400_000,
  );

  thoroughly(
    'leaves a topic that an operator rebuilds from RAW',
    async () => {
      const before = await levels();
      const words = ['topic', 'rebuild', tanks, '--from', 'raw'];
      const plan = await operator(...words);
      expect([plan.code, plan.output]).toEqual([0, expect.stringContaining('Curated: 3 rows')]);
      const done = await operator(...words, '--apply', '--reason', 'a drill');
      expect([done.code, done.output]).toEqual([0, expect.stringContaining('is given back')]);
      expect(await levels()).toEqual(before);
    },
    400_000,
  );
});

describe('the runbooks of these operations', () => {
  it('have no block that was not run', () => {
    for (const page of PAGES_OF_TABLES)
      expect({ page, run: run.get(page) }).toEqual({ page, run: PAGES.get(page)?.length });
  });
});
