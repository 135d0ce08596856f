/**
 * A breaking change from end to end: refused, planned, pushed, its table rebuilt beside the one that people read, swapped in, made
 * active; and a rebuild from RAW by the documented policy of operators. It runs alone, as cycles of other tests would hold up the drain.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { runCycle } from '../../../scripts/local/cycle';
import { leanOps } from '../lean-ops';
import { holderOf } from '../rights';
import { freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const stack = theStack();
const { dynamodb } = connect(stack);
const POLICY = path.resolve(__dirname, '../../../docs/policies/operator.json');
const quiet = (): void => undefined;
const topic = freshTopic('breaking');
const { run, write } = leanOps(stack);

const schema = (version: number, level: object, more: object = {}): string =>
  JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Levels of tanks',
    type: 'object',
    'x-topic': topic,
    'x-version': version,
    ...more,
    required: ['id'],
    properties: { id: { type: 'string', 'x-cde': true }, level },
  });
const event = (id: string, level: unknown): string =>
  JSON.stringify({
    topic_name: topic,
    message_id: id,
    produced_at: '2026-11-30T06:00:00Z',
    payload: { id, level },
  });
const curated = (): Promise<Record<string, unknown>[]> =>
  rows(
    stack,
    `SELECT message_id, typeof(level) AS type, CAST(level AS varchar) AS level, schema_version FROM {curated}."${tableOf(topic)}" ORDER BY 1`,
  );
async function registry(): Promise<Record<string, unknown>> {
  const { Item = {} } = await dynamodb.send(
    new GetItemCommand({ TableName: output(stack, 'schema_registry_table'), Key: { topic_name: { S: topic } } }),
  );
  return Object.fromEntries(Object.entries(Item).map(([name, value]) => [name, value.S ?? value.N ?? value]));
}

beforeAll(async () => {
  write('tanks.json', schema(1, { type: 'number' }));
  const { code, output: text } = await run('schema', 'push', 'tanks.json');
  expect([code, text]).toEqual([0, expect.stringContaining('READY')]);
  await send(stack, event('a', 1.5));
  await send(stack, event('b', 2.5));
  await settle(stack);
  await runCycle(stack, quiet);
  write('tanks.json', schema(2, { type: 'string' }));
}, 300_000);

describe('a breaking change', () => {
  it('is refused, and planned as a rebuild', async () => {
    const refused = await run('schema', 'push', 'tanks.json');
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('schema push --breaking')]);
    const plan = await run('schema', 'plan', topic, 'tanks.json', '--breaking', '--days', 'all');
    expect([plan.code, plan.output]).toEqual([0, expect.stringContaining('Curated is rebuilt under version 2')]);
    expect(plan.output).toContain('Validated 2 rows');
  });

  it('is pushed: people read the old rows until the swap, and then the new ones', async () => {
    const before = await curated();
    expect(before).toMatchObject([
      { message_id: 'a', type: 'double', level: expect.stringContaining('1.5') },
      { message_id: 'b', type: 'double' },
    ]);
    let over = false;
    const seen = new Set<string>();
    const poll = async (): Promise<void> => {
      while (!over) {
        seen.add(JSON.stringify((await curated()).map(({ message_id: id, type }) => [id, type])));
        await sleep(300);
      }
    };
    const polling = poll();
    const pushed = await run('schema', 'push', 'tanks.json', '--breaking', '--reason', 'tanks send words now');
    over = true;
    await polling;
    expect([pushed.code, pushed.output, pushed.error]).toEqual([0, expect.stringContaining('READY'), '']);
    const [old, now] = [
      [
        ['a', 'double'],
        ['b', 'double'],
      ],
      [
        ['a', 'string'],
        ['b', 'string'],
      ],
    ].map((one) => JSON.stringify(one));
    expect([old, now]).toEqual(expect.arrayContaining([...seen]));
    expect(await curated()).toMatchObject([
      { message_id: 'a', type: 'string', level: '1.5' },
      { message_id: 'b', type: 'string', level: '2.5' },
    ]);
    const item = await registry();
    expect(item).toMatchObject({ status: 'READY', schema_version: '2' });
    for (const gone of ['activating', 'waiting_upload', 'hold']) expect(item).not.toHaveProperty(gone);
  }, 500_000);

  it('goes on with the next cycle, under the new type', async () => {
    await send(stack, event('c', 'full'));
    await settle(stack);
    await runCycle(stack, quiet);
    expect(await curated()).toMatchObject([{}, {}, { message_id: 'c', type: 'string', level: 'full' }]);
  }, 200_000);

  it('leaves a topic that an operator rebuilds from RAW, with the documented rights and no more', async () => {
    const operator = leanOps(stack, await holderOf(stack, POLICY, 'rebuilder'));
    const before = await curated();
    const plan = await operator.run('topic', 'rebuild', topic, '--from', 'raw');
    expect([plan.code, plan.output]).toEqual([0, expect.stringContaining('Curated: 3 rows')]);
    const done = await operator.run('topic', 'rebuild', topic, '--from', 'raw', '--apply', '--reason', 'a drill');
    expect([done.code, done.output]).toEqual([0, expect.stringContaining('is given back')]);
    expect(await curated()).toEqual(before);
  }, 500_000);
});
