/** What Terraform would do to a deployment that is there, and in the end its destruction: nothing runs after this file. */
import { describe, expect, it } from '@jest/globals';
import { budget } from '../../../packages/common/src/testing/budget';
import { theStack } from '../stack';
import { isOfTagsOnly, terraformOn, type Planned, type ResourceChange } from '../terraform';
import { CHANGED, declaredVariables, IDENTITY } from './changed-variables';
import { fill, leftovers } from './contents';

const stack = theStack();
const { dependencies, plan, run } = terraformOn(stack);

/** Plans take seconds, and a destruction half a minute. The root's own tests have the refusals in each run. */
const thoroughly = budget({ eachRun: 0, thorough: 1 }) === 1 ? it : it.skip;

/** Types of resources that hold data, messages or records, or the record of what happened. */
const HOLDERS = new Set([
  'aws_cloudformation_stack',
  'aws_cloudwatch_log_group',
  'aws_dynamodb_table',
  'aws_glue_catalog_database',
  'aws_kinesis_firehose_delivery_stream',
  'aws_kms_key',
  'aws_s3_bucket',
  'aws_sqs_queue',
]);

const deleted = ({ changes }: Planned): ResourceChange[] =>
  changes.filter(({ change }) => change.actions.includes('delete'));

/** The queues and streams of a stack's template, by their ids there. */
function named(template: unknown): Record<string, unknown> {
  const { Resources: resources } = JSON.parse(String(template)) as {
    Resources: Record<string, { Type: string; Properties: { QueueName?: string; DeliveryStreamName?: string } }>;
  };
  return Object.fromEntries(
    Object.entries(resources)
      .filter(([, { Type: type }]) => type !== 'AWS::SQS::QueuePolicy')
      .map(([id, { Properties: properties }]) => [id, properties.QueueName ?? properties.DeliveryStreamName]),
  );
}

function expectNothingLost(planned: Planned): void {
  expect(planned).toMatchObject({ ok: true });
  expect(deleted(planned).filter(({ type }) => HOLDERS.has(type))).toEqual([]);
  const stacks = planned.changes.filter(
    ({ type, change }) => type === 'aws_cloudformation_stack' && change.actions[0] === 'update',
  );
  for (const { change } of stacks)
    expect(named(change.after?.['template_body'])).toEqual(named(change.before?.['template_body']));
}

describe('a first apply', () => {
  it('makes the schedule, which starts a cycle at once, when a cycle finds its tables and may be started', () => {
    expect([...dependencies('module.orchestration.aws_scheduler_schedule.cycle')]).toEqual(
      expect.arrayContaining([
        'module.compute.aws_lambda_invocation.system_tables',
        'module.compute.aws_cloudformation_stack.stream',
        'module.orchestration.aws_iam_role_policy.schedule',
      ]),
    );
  });

  it('puts at most ten tags on an object, which is all that S3 takes, however many there are', () => {
    const tags = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`tag-${n}`, 'x']));
    const planned = plan({ tags: JSON.stringify(tags), force_destroy: 'true' });
    expect(planned).toMatchObject({ ok: true });
    expect(planned.changes.map(({ type }) => type)).toContain('aws_s3_bucket');
    expect(planned.changes.filter(({ type }) => type === 'aws_s3_object')).toEqual([]);
  });
});

describe('a plan for a deployment that is there', () => {
  it('has tags alone in it when only a tag has changed', () => {
    const planned = plan({ tags: CHANGED['tags'] ?? '' });
    expect(planned).toMatchObject({ ok: true });
    expect(planned.changes.length).toBeGreaterThan(50);
    expect(planned.changes.filter((change) => !isOfTagsOnly(change)).map(({ address }) => address)).toEqual([]);
    // Only what the stack of the queues itself says of them.
    expect(Object.keys(planned.outputs).sort()).toEqual(['dlq_url', 'ingest_queue_url']);
  });

  it('deletes and replaces nothing that holds data, whatever has changed', () => {
    expect([...Object.keys(CHANGED), ...Object.keys(IDENTITY)].sort()).toEqual(declaredVariables().sort());
    const planned = plan(CHANGED);
    expectNothingLost(planned);
    expect(deleted(planned).map(({ address }) => address)).toEqual([
      'module.compute.aws_lambda_invocation.system_tables[0]',
    ]);
  });

  thoroughly('deletes and replaces nothing that holds data when any one variable has changed', () => {
    for (const [name, value] of Object.entries(CHANGED)) expectNothingLost(plan({ [name]: value }));
  });

  thoroughly('is refused under another identity, and says what to do', () => {
    // In another region the account of the local stack is not to be found; tests/root.tftest.hcl has that one.
    const here = Object.entries(IDENTITY).filter(([name]) => name !== 'region');
    expect(here.length).toBeGreaterThan(1);
    for (const [name, value] of here) {
      const { ok, output } = plan({ [name]: value });
      expect(ok).toBe(false);
      expect(output).toContain('This state belongs to the deployment');
      expect(output).toContain('apply force_destroy = true and destroy it first');
    }
  });
});

describe('destroy', () => {
  it('is refused as a whole while force_destroy is not applied, and a plan then changes nothing', () => {
    const refused = run('destroy', {});
    expect(refused.ok).toBe(false);
    expect(refused.output).toContain('deleting AWS DynamoDB Table (lean-ops-deletion-guard)');
    expect(refused.output).not.toContain('Destruction complete');
    expect(plan({}, { refresh: true })).toMatchObject({ ok: true, changes: [] });
  });

  thoroughly('deletes everything, with what is in it, once force_destroy is applied', async () => {
    await fill(stack);
    expect(Object.keys(await leftovers(stack))).toHaveLength(12);
    expect(run('apply', { force_destroy: 'true' })).toMatchObject({ ok: true });
    expect(run('destroy', { force_destroy: 'true' })).toMatchObject({ ok: true });
    expect(await leftovers(stack)).toEqual({});
  });
});
