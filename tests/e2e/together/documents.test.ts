import { describe, expect, it } from '@jest/globals';
import { planTerraform } from '../../../scripts/local/terraform';
import { lint, type Finding } from '../documents/lint';
import { sentDocuments } from '../documents/sent-documents';
import { theStack } from '../stack';

/** What a deployment has that the local stack is made without, and that brings documents, or parts of them. */
const AS_DEPLOYED = { require_tls: 'true', tracing_enabled: 'true', schedule_enabled: 'true' };

/** The local stack's region, the oldest and one of the newest. */
const REGIONS = ['eu-central-1', 'us-east-1', 'ap-southeast-7'];

/** Findings that are none, each with the reason. */
const EXCEPTIONS: readonly (Pick<Finding, 'linter' | 'code'> & {
  readonly message: string;
  readonly reason: string;
})[] = [];

describe('what the provider sends to AWS', () => {
  it('has no fault that cfn-lint, asl-validator or parliament knows', async () => {
    const stack = theStack();
    const sent = sentDocuments(await planTerraform(stack.paths, stack.port, AS_DEPLOYED));
    // Each kind is there, so that a document that goes elsewhere is missed here. Each role has its trust and its rights.
    const addresses = (documents: object): number => Object.keys(documents).length;
    expect(Object.keys(sent.templates).sort()).toEqual([
      'module.compute.aws_cloudformation_stack.queues',
      'module.compute.aws_cloudformation_stack.stream',
      'module.orchestration.aws_cloudformation_stack.cycle_missing[0]',
    ]);
    expect(Object.keys(sent.state_machines).sort()).toEqual([
      'module.orchestration.aws_sfn_state_machine.cycle',
      'module.orchestration.aws_sfn_state_machine.maintenance',
      'module.orchestration.aws_sfn_state_machine.operation',
    ]);
    expect(addresses(sent.bucket_policies)).toBe(4);
    expect(addresses(sent.identity_policies)).toBe(addresses(sent.trust_policies));
    const findings = await lint(sent, REGIONS);
    const excepted = (finding: Finding): boolean =>
      EXCEPTIONS.some(
        ({ linter, code, message }) =>
          linter === finding.linter && code === finding.code && finding.message.includes(message),
      );
    expect(findings.filter((finding) => !excepted(finding))).toEqual([]);
    // An exception that nothing needs any more goes.
    for (const { message } of EXCEPTIONS)
      expect(findings.some((finding) => finding.message.includes(message))).toBe(true);
  });
});
