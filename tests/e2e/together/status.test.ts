import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { leanOps } from '../lean-ops';
import { holderOf } from '../rights';
import { cycle, freshTopic, send, settle, theStack } from '../stack';

const stack = theStack();
const POLICY = path.resolve(__dirname, '../../../docs/policies/status.json');

interface Finding {
  readonly area: string;
  readonly text: string;
  readonly next?: string;
  readonly details?: { readonly rows: readonly (readonly (string | number)[])[] };
}
interface Status {
  readonly problems: readonly Finding[];
  readonly notes: readonly Finding[];
  readonly unread: readonly { readonly area: string; readonly problem: string }[];
  readonly well: readonly { readonly area: string; readonly text: string }[];
}

// The stack is shared, so other tests' failures are on the screen too: each test looks for its own only.
describe('lean-ops status and dlq list, under their own policy', () => {
  const large = freshTopic('large');
  const broken = freshTopic('broken');
  let lost = '';
  let since = '';

  beforeAll(async () => {
    since = new Date().toISOString().slice(0, 16);
    lost = await send(stack, `{"topic_name":"${large}","payload":"${'x'.repeat(1_040_000)}"}`);
    await send(stack, "{'single': 'quotes'}", broken);
    await settle(stack);
    await cycle(stack);
  });

  it('reads every part, and says what is wrong', async () => {
    const { run } = leanOps(stack, await holderOf(stack, POLICY, 'on-call'));
    const { code, output, error } = await run('status', '--format', 'json');
    expect(error).toBe('');
    const status = JSON.parse(output) as Status;
    expect(status.unread).toEqual([]);
    expect(code).toBe(1);
    const letters = status.problems.find(({ area }) => area === 'dead letters');
    expect(letters?.next).toBe('lean-ops dlq list');
    expect(letters?.details?.rows.map(([reason]) => reason)).toContain('TOO_LARGE');
    const parseErrors = status.notes.find(({ area }) => area === 'parse errors');
    expect(parseErrors?.details?.rows.map(([reason]) => reason)).toContain('INVALID_JSON');
    const areas = [...status.problems, ...status.notes, ...status.well].map(({ area }) => area);
    expect(areas).toEqual(expect.arrayContaining(['alarms', 'cycles', 'topics', 'schemas', 'ingest']));
    const listed = await run('dlq', 'list', '--topic', large, '--since', since);
    expect(listed).toMatchObject({ code: 1, error: '' });
    expect(listed.output).toContain(`1 dead letter of ${large} since`);
    expect(listed.output).toContain(`TOO_LARGE  ${large}  message ${lost}`);
  });

  it.each([
    ['SeeAlarmsAndMetrics', 'alarms', 'cloudwatch:DescribeAlarms'],
    ['SeeCycles', 'cycles', 'states:ListExecutions'],
    ['SeeQueue', 'ingest', 'sqs:GetQueueAttributes'],
    ['RunQueries', 'parse errors', 'athena:StartQueryExecution'],
  ])('without %s: says in its place which right is missing, and shows the rest', async (statement, area, right) => {
    const { run } = leanOps(stack, await holderOf(stack, POLICY, `without-${statement}`, statement));
    const { output } = await run('status', '--format', 'json');
    const { unread, problems } = JSON.parse(output) as Status;
    expect(unread.find((one) => one.area === area)?.problem).toContain(right);
    expect(problems.map((one) => one.area)).toContain('dead letters');
  });
});
