/** Takes a right away from a role for a while, as a wrong policy would. */
import {
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { CREDENTIALS, endpointOf, REGION } from '../../scripts/local/emulator-process';
import type { Stack } from '../../scripts/local/stack';

/** Runs `work` while no inline policy of the role names the action, and gives the right back whatever happens. */
export async function without<T>(stack: Stack, role: string, action: string, work: () => Promise<T>): Promise<T> {
  const iam = new IAMClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });
  const { PolicyNames: names } = await iam.send(new ListRolePoliciesCommand({ RoleName: role }));
  const policies = await Promise.all(
    (names ?? []).map(async (name) => iam.send(new GetRolePolicyCommand({ RoleName: role, PolicyName: name }))),
  );
  const granting = policies.filter((policy) => decodeURIComponent(policy.PolicyDocument ?? '').includes(`"${action}"`));
  const [policy] = granting;
  if (policy === undefined || granting.length > 1)
    throw new Error(`${granting.length} policies of ${role} grant ${action}`);
  const name = { RoleName: role, PolicyName: policy.PolicyName };
  const document = decodeURIComponent(policy.PolicyDocument ?? '');
  try {
    const less = document.replaceAll(`"${action}"`, '"sts:GetCallerIdentity"');
    await iam.send(new PutRolePolicyCommand({ ...name, PolicyDocument: less }));
    return await work();
  } finally {
    await iam.send(new DeleteRolePolicyCommand(name));
    await iam.send(new PutRolePolicyCommand({ ...name, PolicyDocument: document }));
  }
}
