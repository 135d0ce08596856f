/** Takes a right away from a role for a while, as a wrong policy would, and makes users who have one policy only. */
import { readFileSync } from 'node:fs';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { databases } from '../../scripts/local/clients';
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

interface Policy {
  readonly Version: string;
  readonly Statement: readonly { readonly Sid: string }[];
}

/**
 * Makes a user whose only rights are those of a documented policy.
 *
 * @param files the policies, templates of Terraform's `templatefile`
 * @param except the statement that the user lacks
 * @returns the environment variables of the user's keys
 */
export async function holderOf(
  stack: Stack,
  files: string | readonly string[],
  user: string,
  except?: string,
): Promise<Readonly<Record<string, string>>> {
  const values: Readonly<Record<string, unknown>> = {
    ...stack.outputs,
    ...databases(stack),
    prefix: 'lean-ops',
    region: REGION,
    account: '000000000000',
  };
  const policies = [files].flat().map((file) => {
    const text = readFileSync(file, 'utf8').replace(/\$\{(\w+)\}/g, (_, name: string) => String(values[name]));
    return JSON.parse(text) as Policy;
  });
  const all = policies.flatMap((policy) => policy.Statement);
  const Statement = all.filter(({ Sid }) => Sid !== except);
  if (except !== undefined && Statement.length === all.length) throw new Error(`no statement ${except}`);
  const iam = new IAMClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });
  const name = { UserName: user };
  await iam.send(new CreateUserCommand(name));
  const PolicyDocument = JSON.stringify({ Version: policies[0]?.Version, Statement });
  await iam.send(new PutUserPolicyCommand({ ...name, PolicyName: 'documented', PolicyDocument }));
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand(name));
  return { AWS_ACCESS_KEY_ID: key?.AccessKeyId ?? '', AWS_SECRET_ACCESS_KEY: key?.SecretAccessKey ?? '' };
}
