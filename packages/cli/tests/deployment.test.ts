import { describe, expect, it } from '@jest/globals';
import { deploymentFrom, readDeployment } from '../src/pipeline/deployment';
import { OUTPUTS, workspace } from './workspace';

const DEPLOYMENT = {
  region: 'eu-central-1',
  schemaBucket: 'acme-schemas',
  registryTable: 'acme-schema-registry',
  athenaWorkgroup: 'acme',
  lake: { bucket: 'acme-lake', databasePrefix: 'acme' },
};

describe('deploymentFrom', () => {
  it('reads outputs as `terraform output -json` prints them, and as plain values', () => {
    const printed = Object.fromEntries(
      Object.entries(OUTPUTS).map(([name, value]) => [name, { sensitive: false, type: 'string', value }]),
    );
    expect(deploymentFrom(printed)).toEqual({ ok: true, deployment: DEPLOYMENT });
    expect(deploymentFrom(OUTPUTS)).toEqual({ ok: true, deployment: DEPLOYMENT });
  });

  it('names every output that is missing or of no use, at once', () => {
    expect(
      deploymentFrom({
        ...OUTPUTS,
        schema_bucket: '',
        athena_workgroup: 7,
        databases: { ...OUTPUTS.databases, ops: 'other_ops' },
      }),
    ).toEqual({
      ok: false,
      problems: [
        'the output schema_bucket is missing',
        'the output athena_workgroup is missing',
        'the output databases does not name {prefix}_{layer} for ops',
      ],
    });
    expect(deploymentFrom([])).toEqual({ ok: false, problems: ['it is not a JSON object'] });
  });
});

describe('readDeployment', () => {
  it('reads the file that is asked for, else the one of the environment, else lean-ops.json', async () => {
    const { root, write } = workspace();
    for (const name of ['asked', 'environment', 'lean-ops']) {
      write(`${name}.json`, { ...OUTPUTS, athena_workgroup: name });
    }
    const workgroup = async (given: string | undefined, env: Record<string, string>) =>
      (await readDeployment(given, { cwd: root, env })).athenaWorkgroup;
    const env = { LEAN_OPS_OUTPUTS: 'environment.json' };
    await expect(workgroup('asked.json', env)).resolves.toBe('asked');
    await expect(workgroup(undefined, env)).resolves.toBe('environment');
    await expect(workgroup(undefined, {})).resolves.toBe('lean-ops');
  });

  it.each([
    ['nothing', undefined, 'lean-ops.json is not there'],
    ['no JSON', '{', 'lean-ops.json is not JSON'],
    [
      'other JSON',
      '{}',
      'the output region is missing; the output schema_bucket is missing; the output schema_registry_table is missing',
    ],
  ])('says how to get the outputs where there is %s', async (_, content, message) => {
    const { root, write } = workspace();
    if (content !== undefined) write('lean-ops.json', content);
    const reading = readDeployment(undefined, { cwd: root, env: {} });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow('terraform output -json > lean-ops.json');
  });
});
