import type { Command } from 'commander';
import { counted } from '../../../packages/cli/src/format/text';
import { applySteps, planSteps, requireStack } from '../stack';
import { runSteps } from '../steps';

export function registerApply(program: Command): void {
  program
    .command('apply')
    .description('apply Terraform to the running stack again: what was changed in the code, or by hand')
    .option('--plan', 'only print what would change')
    .action(async (options: { plan?: boolean }) => {
      const stack = requireStack();
      if (options.plan !== true) {
        await runSteps(applySteps(stack));
        console.log(`The local stack ${stack.name} is as this working copy says.`);
        return;
      }
      let plan: unknown;
      await runSteps(planSteps(stack, (found) => (plan = found)));
      for (const line of planLines(plan as Plan)) console.log(line);
    });
}

/** What is read of a plan (https://developer.hashicorp.com/terraform/internals/json-format). */
export interface Plan {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly mode: string;
    readonly change: { readonly actions: readonly string[]; readonly before: unknown; readonly after: unknown };
  }[];
}

/** A line for each resource that would change, with the attributes that differ, and how many those are. */
export function planLines({ resource_changes: changes = [] }: Plan): readonly string[] {
  const real = changes.filter(
    ({ mode, change }) => mode === 'managed' && change.actions.some((action) => action !== 'no-op'),
  );
  if (real.length === 0) return ['Nothing would change.'];
  return [
    ...real.map(({ address, change: { actions, before, after } }) => {
      const which = actions.includes('update') ? `: ${differing(before, after).join(', ')}` : '';
      return `${actions.length === 2 ? 'replace' : (actions[0] ?? '')} ${address}${which}`;
    }),
    `${counted(real.length, 'resource')} would change: pnpm local apply`,
  ];
}

function differing(before: unknown, after: unknown): string[] {
  const [old, next] = [new Map(Object.entries(before ?? {})), new Map(Object.entries(after ?? {}))];
  return [...new Set([...old.keys(), ...next.keys()])].filter(
    (name) => JSON.stringify(old.get(name)) !== JSON.stringify(next.get(name)),
  );
}
