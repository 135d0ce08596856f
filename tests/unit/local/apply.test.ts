import { describe, expect, it } from '@jest/globals';
import { planLines } from '../../../scripts/local/commands/apply';

const change = (
  address: string,
  actions: string[],
  before: unknown = null,
  after: unknown = null,
  mode = 'managed',
) => ({
  address,
  mode,
  change: { actions, before, after },
});

describe('pnpm local apply --plan', () => {
  it('names what would change, and which attributes', () => {
    expect(
      planLines({
        resource_changes: [
          change('aws_sqs_queue.ingest', ['no-op'], { name: 'a' }, { name: 'a' }),
          change('data.aws_iam_policy_document.job', ['read'], null, {}, 'data'),
          change(
            'aws_iam_role_policy.job',
            ['update'],
            { name: 'job', policy: '{}' },
            { name: 'job', policy: '{"a":1}' },
          ),
          change('aws_s3_bucket.lake', ['delete', 'create']),
          change('aws_glue_job.curated', ['create'], null, { name: 'curated' }),
        ],
      }),
    ).toEqual([
      'update aws_iam_role_policy.job: policy',
      'replace aws_s3_bucket.lake',
      'create aws_glue_job.curated',
      '3 resources would change: pnpm local apply',
    ]);
  });

  it('says so when nothing would', () => {
    expect(planLines({ resource_changes: [change('aws_sqs_queue.ingest', ['no-op'])] })).toEqual([
      'Nothing would change.',
    ]);
    expect(planLines({})).toEqual(['Nothing would change.']);
  });
});
