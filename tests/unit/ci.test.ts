/** The workflow that checks this repository, the hooks before a commit, and the dev container: what they promise holds. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { choosePython, nodeProblem, terraformProblem } from '../../scripts/local/tool-versions';

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions: Readonly<Record<string, string>>;
  readonly 'timeout-minutes': number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: object;
  readonly permissions: object;
  readonly concurrency: { readonly group: string; readonly 'cancel-in-progress': boolean };
  readonly jobs: Readonly<Record<string, Job>>;
}
interface Hook {
  readonly id: string;
  readonly language: string;
  readonly entry: string;
  readonly files: string;
}

const workflow = parse(read('.github/workflows/ci.yml')) as Workflow;
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
const settingOf = (action: string, name: string): string =>
  String(steps.find(({ uses }) => uses?.startsWith(`${action}@`))?.with?.[name]);

describe('the workflow of this repository', () => {
  it('runs what a new machine runs, and no other check', () => {
    expect(steps.flatMap(({ run }) => run ?? [])).toEqual(['.ci/run']);
    expect(statSync(path.join(ROOT, '.ci/run')).mode & 0o111).not.toBe(0);
    execFileSync('bash', ['-n', path.join(ROOT, '.ci/run')]);
  });

  it('may read the repository, and nothing else', () => {
    expect(workflow.permissions).toEqual({});
    expect(Object.values(workflow.jobs).map(({ permissions }) => permissions)).toEqual([{ contents: 'read' }]);
    expect(Object.keys(workflow.on)).not.toContain('pull_request_target');
    expect(read('.github/workflows/ci.yml')).not.toContain('secrets.');
    expect(settingOf('actions/checkout', 'persist-credentials')).toBe('false');
  });

  it('uses actions by the number of their version', () => {
    const uses = steps.flatMap((step) => step.uses ?? []);
    expect(uses.length).toBeGreaterThan(3);
    for (const name of uses) expect(name).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
  });

  it('ends by itself, and makes way for a newer push of the same pull request', () => {
    for (const job of Object.values(workflow.jobs)) expect(job['timeout-minutes']).toBe(45);
    expect(workflow.concurrency).toEqual({
      group: 'ci-${{ github.event.pull_request.number || github.sha }}',
      'cancel-in-progress': true,
    });
  });

  it('sets up tools that the tests take', () => {
    const node = settingOf('actions/setup-node', 'node-version');
    expect(nodeProblem(`${node}.19.0`)).toBeUndefined();
    const version = `${settingOf('actions/setup-python', 'python-version')}.0`;
    expect(choosePython([{ command: 'python3', version, hasVenv: true }])).toMatchObject({ version });
    const terraform = settingOf('hashicorp/setup-terraform', 'terraform_version').replace('~', '');
    expect(terraformProblem(terraform)).toBeUndefined();
  });

  it('keys what it keeps by files that are there', () => {
    const keys = steps.flatMap((step) => (step.uses?.startsWith('actions/cache@') ? String(step.with?.['key']) : []));
    expect(keys).toHaveLength(2);
    const files = keys.flatMap((key) =>
      [...key.matchAll(/'([^']+)'/g)].map(([, file = '']) => file).filter((file) => !file.includes('*')),
    );
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
  });
});

describe('the hooks before a commit', () => {
  const { repos } = parse(read('.pre-commit-config.yaml')) as { repos: { repo: string; hooks: Hook[] }[] };
  const hooks = repos.flatMap((one) => one.hooks);

  it('download nothing: they are tools of this project', () => {
    expect(repos.map(({ repo }) => repo)).toEqual(['local']);
    expect(new Set(hooks.map(({ language }) => language))).toEqual(new Set(['system']));
    const commands = hooks
      .map(({ entry }) => entry.split(' ')[0] ?? '')
      .filter((one) => one.startsWith('node_modules/'));
    expect(commands).toHaveLength(2);
    expect(commands.filter((command) => !existsSync(path.join(ROOT, command)))).toEqual([]);
  });

  it.each<[string, string[]]>([
    ['scripts/local/cli.ts', ['prettier', 'eslint']],
    ['scripts/glue/lean_ops/__init__.py', ['ruff-check', 'ruff-format']],
    // A stand-in that Terraform's tests upload.
    ['tests/terraform/curated_processor.py', []],
    ['modules/compute/main.tf', ['terraform-fmt']],
    ['modules/compute/tests/compute.tftest.hcl', ['terraform-fmt']],
    ['docs/schemas-repository/workflow.yml', ['prettier']],
    ['README.md', []],
  ])('of %s are %j', (file, ids) => {
    expect(existsSync(path.join(ROOT, file))).toBe(true);
    expect(hooks.filter(({ files }) => new RegExp(files).test(file)).map(({ id }) => id)).toEqual(ids);
  });
});

describe('the dev container', () => {
  it('has tools that the tests take', () => {
    const { image, features } = JSON.parse(read('.devcontainer/devcontainer.json')) as {
      image: string;
      features: Readonly<Record<string, { version: string }>>;
    };
    const version = (feature: string): string =>
      Object.entries(features).find(([name]) => name.includes(`/${feature}:`))?.[1].version ?? '';
    expect(image).toMatch(/:3\.1[12]-/);
    expect(nodeProblem(`${version('node')}.19.0`)).toBeUndefined();
    expect(terraformProblem(version('terraform'))).toBeUndefined();
  });
});
