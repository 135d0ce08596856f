import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { schema, workspace } from '../../packages/cli/tests/workspace';

const FOLDER = path.resolve(__dirname, '../../docs/schemas-repository');
const text = readFileSync(path.join(FOLDER, 'workflow.yml'), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress': boolean };
  readonly steps: readonly Step[];
}
const workflow = parse(text) as { on: object; permissions: object; jobs: Record<string, Job> };
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

describe('the workflow of a schemas repository', () => {
  it('gives each job its own least rights, and nobody a default', () => {
    expect(workflow.permissions).toEqual({});
    expect(Object.keys(workflow.on)).toEqual(['pull_request', 'push']);
    expect(
      Object.fromEntries(Object.entries(workflow.jobs).map(([name, { permissions }]) => [name, permissions])),
    ).toEqual({
      lint: { contents: 'read' },
      preview: { contents: 'read', 'id-token': 'write', 'pull-requests': 'write' },
      sync: { contents: 'read', 'id-token': 'write' },
    });
  });

  it('runs no text of a pull request: expressions are in no script', () => {
    const scripts = steps.flatMap((step) => [step.run, step.with?.['script']]).filter((script) => script !== undefined);
    expect(scripts.length).toBeGreaterThan(5);
    for (const script of scripts) expect(script).not.toContain('${{');
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
  });

  it('lets two merges follow each other, and cuts none short', () => {
    expect(workflow.jobs['sync']?.concurrency).toEqual({ group: 'schemas-sync', 'cancel-in-progress': false });
  });

  it('has scripts that bash reads', () => {
    for (const { run } of steps) if (run !== undefined) execFileSync('bash', ['-n', '-c', run]);
  });
});

describe('the command, from a repository of schemas', () => {
  it('works from its root and from below by the checkout alone, whatever tsconfig lies there', () => {
    const { root, write } = workspace();
    write('schemas/a/schema.json', schema('a'));
    write('tsconfig.json', '{ "extends": "./nowhere.json" ');
    const bin = path.resolve(__dirname, '../../packages/cli/bin/lean-ops.mjs');
    const lint = (cwd: string, ...args: string[]): string =>
      execFileSync(process.execPath, [bin, 'schema', 'lint', ...args], { cwd: path.join(root, cwd), encoding: 'utf8' });
    expect(lint('.')).toBe('1 schema checked: no problems.\n');
    expect(lint('schemas', 'a')).toBe('1 schema checked: no problems.\n');
  }, 60_000);
});

describe('the policies', () => {
  it.each(['reader', 'writer'])('%s grants no wildcard action and no wildcard resource', (name) => {
    const policy = JSON.parse(readFileSync(path.join(FOLDER, `${name}-policy.json`), 'utf8')) as {
      Statement: { Action: string | string[]; Resource: string | string[] }[];
    };
    for (const { Action, Resource } of policy.Statement) {
      for (const action of [Action].flat()) expect(action).not.toContain('*');
      for (const resource of [Resource].flat()) expect(resource).toMatch(/^arn:aws:.*\$\{\w+\}/);
    }
  });
});
