/**
 * Operators take a topic back to a cycle and undo it, by the command and under their own policy, with the role of each function and
 * job enforced. It runs alone, as cycles of other tests would move the points on.
 */
import path from 'node:path';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../../../scripts/local/clients';
import { runCycle } from '../../../scripts/local/cycle';
import { leanOps, type Ran } from '../lean-ops';
import { holderOf } from '../rights';
import { freshTopic, rows, send, tableOf, theStack } from '../stack';

const stack = theStack();
const POLICY = path.resolve(__dirname, '../../../docs/policies/operator.json');
const quiet = (): void => undefined;
const topic = freshTopic('rewound');

interface Point {
  readonly cycle_id: string;
  readonly current: readonly string[];
  readonly aligned: boolean;
}

const event = (id: string, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ topic_name: topic, message_id: id, produced_at: '2026-11-30T06:00:00Z', payload: { id, ...more } });
const ids = async (layer: string): Promise<unknown[]> =>
  (await rows(stack, `SELECT message_id FROM {${layer}}."${tableOf(topic)}" ORDER BY 1`)).map(
    (row) => row['message_id'],
  );
const columns = async (): Promise<string[]> =>
  Object.keys((await rows(stack, `SELECT * FROM {standardized}."${tableOf(topic)}" LIMIT 1`))[0] ?? {});

describe('an operator with the documented policy', () => {
  let run: (...args: string[]) => Promise<Ran>;
  const points = async (): Promise<Point[]> => {
    const { output, error } = await run('topic', 'points', topic, '--format', 'json');
    expect(error).toBe('');
    return (JSON.parse(output) as { points: Point[] }).points;
  };

  beforeAll(async () => {
    ({ run } = leanOps(stack, await holderOf(stack, POLICY, 'rewinder')));
    const owner = leanOps(stack);
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Rewound',
      'x-topic': topic,
      'x-version': 1,
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'string', 'x-cde': true } },
    };
    owner.write('schema.json', JSON.stringify(schema));
    await expect(owner.run('schema', 'push', 'schema.json', '--topic', topic)).resolves.toMatchObject({ code: 0 });
    await send(stack, event('a'));
    await runCycle(stack, quiet);
    await send(stack, event('b'));
    await runCycle(stack, quiet);
    await send(stack, event('c', { wrong: true }));
    await runCycle(stack, quiet);
  }, 300_000);

  it('takes both tables back, lets the next cycle take all again, and undoes it', async () => {
    const [last, second, first] = await points();
    expect(last).toMatchObject({ aligned: true, current: ['standardized', 'curated'] });
    expect([second?.aligned, first?.aligned]).toEqual([true, true]);
    const to = first?.cycle_id ?? '';

    const plan = await run('topic', 'rewind', topic, '--to', to);
    expect(plan).toMatchObject({ code: 0, error: '' });
    process.stdout.write(plan.output);
    expect(plan.output).toMatch(/moves +Curated: 3 rows in \d+ files? of \S+ \w+ to 1 row in 1 file/);
    expect(plan.output).toMatch(/takes +2 messages of 2 cycles again/);
    expect(plan.output).toMatch(/columns +Standardized loses wrong\n/);
    const [, basis = ''] = /--plan (\S+)/.exec(plan.output) ?? [];
    const words = ['topic', 'rewind', topic, '--to', to, '--plan', basis, '--apply', '--reason', 'a wrong producer'];
    const done = await run(...words);
    process.stdout.write(done.output);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.output).toMatch(/curated 3 rows to 1 row, [^]*the next cycle takes 2 messages of 2 cycles again\n/);
    await expect(ids('standardized')).resolves.toEqual(['a']);
    await expect(ids('curated')).resolves.toEqual(['a']);
    expect(await columns()).not.toContain('wrong');
    await expect(run(...words)).resolves.toMatchObject({ code: 1 });

    // No event has come: the planner starts a cycle because the topic was given back.
    await expect(runCycle(stack, quiet)).resolves.toMatchObject({ reason: 'CATCH_UP' });
    await expect(ids('standardized')).resolves.toEqual(['a', 'b', 'c']);
    await expect(ids('curated')).resolves.toEqual(['a', 'b', 'c']);
    const drift = `SELECT change_type, layer FROM {ops}."drift_log" WHERE topic_name = '${topic}' AND change_type IN`;
    await expect(rows(stack, `${drift} ('REWOUND', 'TABLE_ROLLED_BACK') ORDER BY layer`)).resolves.toEqual([
      { change_type: 'REWOUND', layer: 'curated' },
      { change_type: 'REWOUND', layer: 'standardized' },
    ]);

    const listed = await run('op', 'list', '--topic', topic, '--format', 'json');
    const { operations } = JSON.parse(listed.output) as {
      operations: { operationId: string; executionArn: string; kind: string }[];
    };
    const rewind = operations.find(({ kind }) => kind === 'rewind');
    const id = rewind?.operationId ?? '';
    const { sfn } = connect(stack);
    const history = await sfn.send(new GetExecutionHistoryCommand({ executionArn: rewind?.executionArn ?? '' }));
    const entered = (history.events ?? []).map((one) => one.stateEnteredEventDetails?.name);
    expect(entered).toEqual(expect.arrayContaining(['Finish', 'TellReaders', 'Done']));

    const undo = await run('topic', 'undo', id, '--apply', '--reason', 'it was right');
    process.stdout.write(undo.output);
    expect(undo).toMatchObject({ code: 0, error: '' });
    await expect(ids('curated')).resolves.toEqual(['a', 'b', 'c']);
    expect(await columns()).toContain('wrong');
    await runCycle(stack, quiet);
    await send(stack, event('d'));
    await runCycle(stack, quiet);
    await expect(ids('standardized')).resolves.toEqual(['a', 'b', 'c', 'd']);
    await expect(ids('curated')).resolves.toEqual(['a', 'b', 'c', 'd']);
    await expect(run('topic', 'undo', id)).resolves.toMatchObject({
      code: 1,
      output: expect.stringMatching(/^UNDO_GONE: /),
    });
    const shown = await run('topic', 'points', topic);
    process.stdout.write(shown.output);
    expect(shown.code).toBe(0);
  }, 400_000);
});
