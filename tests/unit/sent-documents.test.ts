import { describe, expect, it } from '@jest/globals';
import { sentDocuments } from '../e2e/documents/sent-documents';
import { stateMachineFindings } from '../e2e/documents/state-machine-findings';

const POLICY = '{"Version":"2012-10-17","Statement":[]}';

/** A plan in which each resource, by type, has these attributes. */
function planOf(resources: Readonly<Record<string, unknown>>): unknown {
  return {
    resource_changes: Object.entries(resources).map(([type, after]) => ({
      address: `${type}.it`,
      mode: 'managed',
      type,
      change: { actions: ['create'], after },
    })),
  };
}

describe('sentDocuments', () => {
  it('gives each document under the address of the resource that sends it', () => {
    const plan = planOf({
      aws_iam_role: { name: 'r', assume_role_policy: POLICY },
      aws_sfn_state_machine: { definition: '{"StartAt":"A"}' },
      aws_sqs_queue: { name: 'no document' },
    });
    expect(sentDocuments(plan)).toEqual({
      templates: {},
      identity_policies: {},
      trust_policies: { 'aws_iam_role.it': JSON.parse(POLICY) as unknown },
      bucket_policies: {},
      state_machines: { 'aws_sfn_state_machine.it': { StartAt: 'A' } },
    });
  });

  it('throws at a document that is known after the apply only, as nobody would lint it', () => {
    expect(() => sentDocuments(planOf({ aws_iam_role_policy: { name: 'p' } }))).toThrow(
      'aws_iam_role_policy.it: policy is not known before the apply',
    );
  });

  it('throws at a document in an attribute that no linter sees, however deep it stands', () => {
    expect(() => sentDocuments(planOf({ aws_sns_topic: { policy: POLICY } }))).toThrow('aws_sns_topic.it');
    const inline = planOf({ aws_iam_user: { inline_policy: [{ name: 'p', policy: POLICY }] } });
    expect(() => sentDocuments(inline)).toThrow('nobody lints the document in inline_policy');
  });
});

describe('stateMachineFindings', () => {
  const codes = (states: object) =>
    stateMachineFindings({ machine: { StartAt: 'A', States: states } }).map(({ code }) => code);

  it('has none for a sound machine', () => {
    expect(codes({ A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Succeed' } })).toEqual([]);
  });

  it('finds a transition to a state that there is not', () => {
    expect(codes({ A: { Type: 'Pass', Next: 'C' }, B: { Type: 'Succeed' } })).toContain('MISSING_TRANSITION_TARGET');
  });

  it('finds a state without a way on, and a path that is none', () => {
    expect(codes({ A: { Type: 'Pass' } })).not.toEqual([]);
    expect(codes({ A: { Type: 'Pass', InputPath: 'no path', End: true } })).toContain('SCHEMA_VALIDATION_FAILED');
  });
});
