/**
 * A person is erased by the command, under the documented policies: every object of every bucket in all its versions, and every
 * item of every table, is searched for the key and for what their events said. It runs alone, as cycles of other tests would hold up the
 * drain.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { execa } from 'execa';
import { runCycle } from '../../../scripts/local/cycle';
import { CREDENTIALS, endpointOf } from '../../../scripts/local/emulator-process';
import { ROOT, TOOLS } from '../../../scripts/local/paths';
import { leanOps, type Ran } from '../lean-ops';
import { holderOf } from '../rights';
import { freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const stack = theStack();
const POLICIES = ['operator.json', 'forget.json'].map((name) => path.join(ROOT, 'docs/policies', name));
const SEARCH = path.join(ROOT, 'tests/e2e/documents/search_objects.py');
const KEY = "kim.o'neill@example.org";
const SECRET = 'lives-in-5a17-street';
const quiet = (): void => undefined;

const message = (topic: string, key: string, id: string, text: string): string =>
  JSON.stringify({ topic_name: topic, idempotency_key: key, message_id: id, payload: { text } });

async function placesOf(text: string): Promise<readonly string[]> {
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const { stdout } = await execa(TOOLS.python, [SEARCH, endpointOf(stack.port), text, accessKeyId, secretAccessKey]);
  return JSON.parse(stdout) as string[];
}

const keysIn = async (layer: string, topic: string): Promise<unknown[]> =>
  (await rows(stack, `SELECT message_id FROM {${layer}}."${tableOf(topic)}" ORDER BY 1`)).map(
    (row) => row['message_id'],
  );

describe('an erasure', () => {
  const topic = freshTopic('person');
  const other = freshTopic('other');
  let run: (...args: string[]) => Promise<Ran>;

  beforeAll(async () => {
    ({ run } = leanOps(stack, await holderOf(stack, POLICIES, 'eraser')));
    await send(stack, message(topic, KEY, 'gone-1', SECRET));
    await send(stack, message(topic, `${KEY}.2`, 'kept-1', 'somebody else'));
    await send(
      stack,
      `{"topic_name":"${topic}","idempotency_key":"${KEY}","message_id":"gone-2","payload":{'a':'${SECRET}'}}`,
    );
    await send(stack, JSON.stringify({ idempotency_key: KEY, message_id: 'gone-3', payload: { text: SECRET } }));
    await send(stack, message(other, 'someone', 'kept-2', 'of another topic'));
    await settle(stack);
    await runCycle(stack, quiet);
    await send(stack, message(topic, KEY, 'gone-4', `${SECRET}, corrected`));
    await send(stack, message(other, 'late', 'kept-3', 'not taken yet'));
    await settle(stack);
  }, 300_000);

  it('takes a person out of every object, and brings nobody back', async () => {
    const before = await placesOf(SECRET);
    for (const place of ['lean_ops_raw/events/data', 'cycle_delta', 'parse_errors', '/dlq/_unknown/', tableOf(topic)])
      expect(before.join('\n')).toContain(place);
    const plan = await run('topic', 'forget', topic, '--key', KEY);
    expect(plan.error).toBe('');
    expect(plan.output).toMatch(/RAW: 3 rows\n[^]*cycle_delta: 2 rows\n[^]*Standardized: 1 row\n/);
    const [, basis = ''] = / --plan (\S+) /.exec(plan.output) ?? [];
    const why = ['--apply', '--reason', 'request 2026-17'];
    const applied = await run('topic', 'forget', topic, '--key', KEY, '--plan', basis, ...why);
    expect(applied.error).toBe('');
    expect(applied.output).toMatch(/erased: rows of [^]* is given back\n$/);
    expect(applied.code).toBe(0);

    await expect(placesOf(SECRET)).resolves.toEqual([]);
    await expect(placesOf('gone-')).resolves.toEqual([]);
    const left = await placesOf(KEY.slice(0, 15));
    // The longer key of somebody else begins with the same characters.
    const longer = await placesOf(`${KEY}.2`);
    expect(left.filter((place) => !longer.includes(place) && !place.endsWith('.avro'))).toEqual([]);

    await runCycle(stack, quiet);
    await expect(keysIn('standardized', topic)).resolves.toEqual(['kept-1']);
    await expect(keysIn('standardized', other)).resolves.toEqual(['kept-2', 'kept-3']);
    await expect(placesOf(SECRET)).resolves.toEqual([]);
    const ledger = await rows(
      stack,
      `SELECT DISTINCT status FROM {ops}."ledger" WHERE topic_name IN ('${topic}', '${other}')`,
    );
    expect(ledger).toEqual([{ status: 'SUCCEEDED' }]);
  }, 500_000);

  it('leaves a report for the person who asked, and finds nothing a second time', async () => {
    const { output: listed } = await run('op', 'list', '--topic', topic);
    const [id = ''] = /\S+-forget-[0-9a-f]{6}/.exec(listed) ?? [];
    const file = path.join(tmpdir(), `${id}.md`);
    expect(await run('op', 'show', id, '--report', file)).toMatchObject({ code: 0, error: '' });
    const report = readFileSync(file, 'utf8');
    expect(report).toContain('| events as they were received (RAW) | 3 rows |');
    expect(report).toContain('| dead letters in the archive | 1 object |');
    expect(report).not.toContain('neill');
    const again = await run('topic', 'forget', topic, '--key', KEY);
    expect(again.output).toContain('no row: these tables have none with such a key');
  }, 120_000);
});
