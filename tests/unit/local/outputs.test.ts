import { describe, expect, it } from '@jest/globals';
import { outputLines } from '../../../scripts/local/commands/outputs-exec';

describe('pnpm local outputs', () => {
  it('prints texts as they are and everything else as JSON, by name', () => {
    expect(
      outputLines({
        lake_bucket: 'lean-ops-lake',
        freshness_targets: { default: 60, topics: {} },
        kms_key_arn: null,
        databases: { raw: 'lean_ops_raw' },
      }),
    ).toEqual([
      'databases          {"raw":"lean_ops_raw"}',
      'freshness_targets  {"default":60,"topics":{}}',
      'kms_key_arn        null',
      'lake_bucket        lean-ops-lake',
    ]);
  });
});
