/** Terraform on a running stack, as whoever has deployed it runs it there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { argumentsOf, environmentOf } from '../../scripts/local/terraform';
import { chooseProviderSource } from '../../scripts/local/provider-mirror';
import { ROOT } from '../../scripts/local/paths';
import type { Stack } from '../../scripts/local/stack';

export type Variables = Readonly<Record<string, string>>;
type Values = Readonly<Record<string, unknown>>;

/** A resource that a plan would change. https://developer.hashicorp.com/terraform/internals/json-format */
export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly change: {
    readonly actions: readonly string[];
    readonly before: Values | null;
    readonly after: Values | null;
    readonly after_unknown: Values;
  };
}

export interface Ended {
  readonly ok: boolean;
  /** What Terraform printed, with every run of white space and of its margins as one space. */
  readonly output: string;
}

export interface Planned extends Ended {
  readonly changes: readonly ResourceChange[];
  readonly outputs: Readonly<Record<string, { readonly actions: readonly string[] }>>;
}

export function terraformOn(stack: Stack): {
  readonly plan: (variables: Variables, options?: { readonly refresh?: boolean }) => Planned;
  /** The resources that this one waits for when it is made, those in between included. */
  readonly dependencies: (address: string) => ReadonlySet<string>;
  readonly run: (command: 'apply' | 'destroy', variables: Variables) => Ended;
} {
  const env = { ...process.env, ...environmentOf(stack.port, chooseProviderSource()) };
  const state = `-state=${stack.paths.terraformState}`;
  const terraform = (
    args: readonly string[],
  ): { readonly ok: boolean; readonly stdout: string; readonly all: string } => {
    const { status, stdout, stderr } = spawnSync('terraform', args, {
      cwd: ROOT,
      env,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    });
    return { ok: status === 0, stdout, all: `${stdout}${stderr}`.replace(/[\s│╷╵]+/g, ' ') };
  };
  return {
    plan: (variables, { refresh = false } = {}) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'lean-ops-plan-'));
      try {
        const file = path.join(folder, 'plan');
        const flags = ['-no-color', '-lock=false', `-refresh=${refresh}`, state, `-out=${file}`];
        const { ok, all } = terraform(['plan', ...flags, ...argumentsOf(variables)]);
        if (!ok) return { ok, output: all, changes: [], outputs: {} };
        const plan = JSON.parse(terraform(['show', '-json', file]).stdout) as {
          readonly resource_changes: readonly ResourceChange[];
          readonly output_changes: Planned['outputs'];
        };
        const isChange = ({ actions }: { readonly actions: readonly string[] }): boolean => actions[0] !== 'no-op';
        return {
          ok,
          output: all,
          changes: plan.resource_changes.filter(({ change }) => isChange(change)),
          outputs: Object.fromEntries(Object.entries(plan.output_changes).filter(([, change]) => isChange(change))),
        };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    dependencies: (address) => {
      const edges = [...terraform(['graph']).stdout.matchAll(/"([^"]+)" -> "([^"]+)"/g)];
      const found = new Set([address]);
      for (const from of found) for (const [, source, target = ''] of edges) if (source === from) found.add(target);
      found.delete(address);
      return found;
    },
    run: (command, variables) => {
      const flags = ['-no-color', '-auto-approve', '-parallelism=20', state];
      const { ok, all } = terraform([command, ...flags, ...argumentsOf(variables)]);
      return { ok, output: all };
    },
  };
}

/** Whether the change is one of this resource's tags and nothing else, and all of it is known. */
export function isOfTagsOnly({ type, change }: ResourceChange): boolean {
  const { actions, before, after, after_unknown: unknown } = change;
  const known = ['tags', 'tags_all', ...(type === 'aws_cloudformation_stack' ? ['outputs'] : [])];
  const changed = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter(
    (name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
  );
  return (
    actions.join() === 'update' &&
    changed.every((name) => known.includes(name)) &&
    Object.entries(unknown).every(([name, value]) => known.includes(name) || !holdsTrue(value))
  );
}

/** after_unknown has `true` where a value is unknown, at any depth. */
function holdsTrue(value: unknown): boolean {
  return value === true || (typeof value === 'object' && value !== null && Object.values(value).some(holdsTrue));
}
