import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { connect, output } from '../../../scripts/local/clients';
import { pushSchema } from '../../../scripts/local/sample-schemas';
import { leanOps } from '../lean-ops';
import { cycle, freshTopic, rows, tableOf, theStack } from '../stack';

const stack = theStack();

async function sendAll(topic: string, payloads: readonly object[]): Promise<void> {
  const { sqs } = connect(stack);
  for (let start = 0; start < payloads.length; start += 10) {
    const Entries = payloads.slice(start, start + 10).map((payload, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify({
        topic_name: topic,
        message_id: `m-${start + index}`,
        produced_at: '2026-11-23T10:00:00Z',
        payload,
      }),
    }));
    const { Failed: failed } = await sqs.send(
      new SendMessageBatchCommand({ QueueUrl: output(stack, 'ingest_queue_url'), Entries }),
    );
    expect(failed ?? []).toEqual([]);
  }
}

const GOOD = {
  id: 'dev-7',
  kind: 'pump',
  code: 'AB12',
  n: 5,
  small: 1,
  price: 1.1,
  ratio: 0.5,
  share: 0.25,
  on: true,
  day: '2026-11-23',
  at: '2026-11-23T10:00:00Z',
  tags: ['a'],
  meta: { fw: '1.2', level: 3 },
  temp_c: 21.5,
};
/** Payloads that each break one rule or more, each in a different way. */
const BAD: readonly object[] = [
  { id: null },
  { id: '' },
  { id: 'x'.repeat(9) },
  { id: { inner: 1 } },
  { kind: 'Pump' },
  { kind: undefined },
  { code: 'ab12' },
  { code: 'AB12\n' },
  { n: -1 },
  { n: 100 },
  { n: 1.0e30 },
  { n: 'seven' },
  { small: 3 },
  { small: 2147483648 },
  { price: 1.101 },
  { price: 1000 },
  { price: 0 },
  { ratio: -0.5 },
  { ratio: 'NaN' },
  { share: 1e39 },
  { share: 1 },
  { on: 'TRUE' },
  { day: '2026-02-30' },
  { at: '2026-11-23T10:00:00' },
  { at: '0001-01-01T00:00:00+01:00' },
  { tags: 'a,b' },
  { meta: 5 },
  { meta: {} },
  { meta: undefined },
  { meta: { fw: '1', level: 11 } },
  { meta: { level: 3 } },
  { id: '', n: -1, kind: 'none', on: 1 },
];

function schemaOf(topic: string, version = 1, more: object = {}): string {
  return JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'End-to-end',
      type: 'object',
      'x-topic': topic,
      'x-version': version,
      required: ['id', 'kind', 'meta'],
      properties: {
        id: { type: 'string', minLength: 1, maxLength: 8, 'x-cde': true },
        kind: { type: 'string', enum: ['pump', 'valve', "it's"] },
        code: { type: 'string', pattern: '^[A-Z]{2}\\d+$' },
        n: { type: 'integer', minimum: 0, exclusiveMaximum: 100, 'x-cde': true },
        small: { type: 'integer', 'x-type': 'int', enum: [1, 2] },
        price: { type: 'number', 'x-type': 'decimal(5,2)', exclusiveMinimum: 0 },
        ratio: { type: 'number', minimum: 0 },
        share: { type: 'number', 'x-type': 'float', exclusiveMaximum: 1 },
        on: { type: 'boolean' },
        day: { type: 'string', format: 'date' },
        at: { type: 'string', format: 'date-time' },
        tags: { type: 'array' },
        meta: {
          type: 'object',
          required: ['fw'],
          properties: { fw: { type: 'string' }, level: { type: 'integer', maximum: 10 } },
        },
        never_sent: { type: 'string' },
        ...more,
      },
    },
    null,
    2,
  );
}

interface Plan {
  readonly refused: boolean;
  readonly exceeded: boolean;
  readonly statements: readonly string[];
  readonly data: {
    readonly status: string;
    readonly rows: number;
    readonly rejected: number;
    readonly nulled: { readonly at_least: number; readonly at_most: number };
    readonly new: { readonly rejected: number; readonly nulled: { readonly at_least: number } };
    readonly today: { readonly rejected: number; readonly rejected_that_would_pass: number } | null;
    readonly findings: readonly {
      readonly field: string;
      readonly rule: string;
      readonly rows: number;
      readonly effect: string;
      readonly samples: readonly { readonly message_id: string; readonly value: string | null }[];
    }[];
  };
}

interface Draft {
  readonly schema: object;
  readonly notes: readonly string[];
}

/** The schema of a draft, whatever the order of its fields: a table has its columns in another order than a message. */
function inNoOrder(draft: Draft | undefined): unknown {
  return JSON.parse(JSON.stringify(draft?.schema), (key, value: unknown) =>
    key === 'required' && Array.isArray(value) ? [...(value as string[])].sort() : value,
  );
}

describe('schema plan', () => {
  it('counts what the next cycle then rejects and nulls, column by column', async () => {
    const topic = freshTopic('plan');
    const { write, run } = leanOps(stack);
    const text = schemaOf(topic);
    write('candidate.json', text);
    const before = await run('schema', 'plan', topic, 'candidate.json');
    expect(before.output).toContain('does not exist yet');
    expect(before).toMatchObject({ code: 0, error: '' });

    const payloads = [
      ...Array.from({ length: 120 }, (_, index) => ({ ...GOOD, n: index % 100 })),
      ...BAD.flatMap((changes) => [changes, changes, changes].map((one) => ({ ...GOOD, ...one }))),
    ];
    await sendAll(topic, payloads);
    await cycle(stack);

    const planned = await run('schema', 'plan', topic, 'candidate.json', '--format', 'json', '--days', 'all');
    expect(planned.error).toBe('');
    const plan = JSON.parse(planned.output) as Plan;
    expect(planned.code).toBe(1);
    expect(plan).toMatchObject({
      refused: false,
      exceeded: true,
      data: { status: 'validated', rows: payloads.length },
    });
    expect(plan.statements).toEqual([expect.stringMatching(/^CREATE TABLE IF NOT EXISTS `\w+_curated`/)]);
    const borne = await run('schema', 'plan', topic, 'candidate.json', '--max-rejected', String(plan.data.rejected));
    expect(borne).toMatchObject({ code: 0, error: '' });

    const inferred = await run('schema', 'infer', topic, '--out', 'draft.json');
    expect(inferred).toMatchObject({ code: 0, output: '' });
    // From the payloads themselves, without the pipeline, the same schema is drafted.
    const ofTable = await run('schema', 'infer', topic, '--format', 'json');
    write('sample.json', JSON.stringify(payloads));
    const ofSample = await run('schema', 'new', topic, '--from', 'sample.json', '--format', 'json');
    const [table, sample] = [ofTable, ofSample].map(({ output }) => JSON.parse(output) as Draft);
    expect(inNoOrder(sample)).toEqual(inNoOrder(table));
    const odd = (draft: Draft | undefined) =>
      draft?.notes.flatMap((note) => /^\w+ is text: \d+ of \d+ values are [a-z ]+; the others: /.exec(note)?.[0] ?? []);
    expect(odd(table)?.sort()).toEqual(odd(sample)?.sort());
    expect(odd(table)).not.toEqual([]);
    const drafted = await run('schema', 'plan', topic, 'draft.json', '--days', 'all', '--format', 'json');
    expect((JSON.parse(drafted.output) as Plan).data).toMatchObject({ rows: payloads.length, findings: [] });

    await pushSchema(stack, topic, text);
    await cycle(stack);
    const errors = await rows(
      stack,
      `SELECT message_id, disposition, violations FROM {ops}."errors" WHERE topic_name = '${topic}'`,
    );
    const ofCycle = new Map<string, number>();
    for (const { violations } of errors) {
      for (const { column, rule } of JSON.parse(violations ?? '[]') as { column: string; rule: string }[]) {
        ofCycle.set(`${column} ${rule}`, (ofCycle.get(`${column} ${rule}`) ?? 0) + 1);
      }
    }
    const of = (disposition: string) => errors.filter((error) => error['disposition'] === disposition).length;
    expect(plan.data.rejected).toBe(of('rejected'));
    expect(plan.data.nulled).toEqual({ at_least: of('nulled'), at_most: of('nulled') });
    expect(new Map(plan.data.findings.map(({ field, rule, rows: count }) => [`${field} ${rule}`, count]))).toEqual(
      ofCycle,
    );
    expect(ofCycle.size).toBeGreaterThan(25);
    const named = new Map(errors.map((error) => [error['message_id'], error['violations'] ?? '']));
    for (const { field, rule, samples } of plan.data.findings) {
      expect(samples.length).toBeGreaterThan(0);
      for (const { message_id: id } of samples) {
        expect(named.get(id)).toContain(`"column":"${field}","rule":"${rule}"`);
      }
    }
    const [kept] = await rows(stack, `SELECT count(*) AS n FROM {curated}."${tableOf(topic)}"`);
    expect(Number(kept?.['n'])).toBe(payloads.length - plan.data.rejected);

    // The rows that version 1 rejects block no later version. What version 2 misspells is a warning.
    write('next.json', schemaOf(topic, 2, { temperatur: { type: 'number' } }));
    const { code, output } = await run('schema', 'plan', topic, 'next.json', '--days', 'all', '--samples', '0');
    expect(output).toContain(`\n    ${plan.data.rejected} would be rejected, 0 more than today\n`);
    expect(output).toMatch(/NO_DATA {2}temperatur: in 0 of \d+ rows; did you mean temp_c\?\n/);
    expect(output).toMatch(/NO_DATA {2}never_sent: in 0 of \d+ rows, and in the active version already; /);
    expect(output).toMatch(/\nOK to merge, with 1 warning\.\n$/);
    expect(code).toBe(0);

    // A tighter bound is refused, and rejects the ten rows that have 90 to 99 there. Kinds of any name are kept.
    const tighter = { type: 'integer', minimum: 0, exclusiveMaximum: 90, 'x-cde': true };
    write('tighter.json', schemaOf(topic, 2, { n: tighter, kind: { type: 'string' }, id: { type: 'string' } }));
    const refused = await run('schema', 'plan', topic, 'tighter.json', '--days', 'all', '--format', 'json');
    const { refused: isRefused, data } = JSON.parse(refused.output) as Plan;
    expect({ isRefused, code: refused.code }).toEqual({ isRefused: true, code: 1 });
    expect(data.new.rejected).toBe(10);
    expect(data.today?.rejected).toBe(plan.data.rejected);
    // Nothing rejects a row by its id any more: those that break no rule of n pass.
    expect(data.today?.rejected_that_would_pass).toBe(plan.data.rejected - (data.rejected - 10));
    expect(data.today?.rejected_that_would_pass).toBeGreaterThan(0);
  });
});
