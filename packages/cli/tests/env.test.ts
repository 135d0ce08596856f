import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asShellLines, shellEnvironment, TEXT_OUTPUTS } from '../src/pipeline/shell-environment';
import { OUTPUTS, workspace } from './workspace';

const ALL = { ...Object.fromEntries(TEXT_OUTPUTS.map((name) => [name, `acme-${name}`])), ...OUTPUTS };
const FILE = '/somewhere/lean-ops.json';
const environmentOf = (env: Record<string, string> = {}, outputs: Record<string, unknown> = ALL) =>
  shellEnvironment({ outputs, file: FILE, env });

/** The variables that a shell has after it evaluated the lines. */
function evaluated(lines: string, before: Record<string, string> = {}): Record<string, string> {
  const found = execFileSync('sh', ['-c', 'eval "$1"; exec env -0', 'sh', lines], { env: before, encoding: 'utf8' });
  return Object.fromEntries(
    found
      .split('\0')
      .filter((pair) => pair.includes('='))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

describe('lean-ops env', () => {
  it('prints lines that give a shell every name of the pipeline', async () => {
    const place = workspace();
    place.write('lean-ops.json', Object.fromEntries(Object.entries(ALL).map(([name, value]) => [name, { value }])));
    const { code, output, error } = await place.run('env');
    expect({ code, error }).toEqual({ code: 0, error: '' });
    const variables = evaluated(output);
    expect(variables).toMatchObject({
      PREFIX: 'acme',
      AWS_REGION: 'eu-central-1',
      AWS_DEFAULT_REGION: 'eu-central-1',
      AWS_PAGER: '',
      INGEST_QUEUE_URL: 'acme-ingest_queue_url',
      STATE_MACHINE_ARN: 'acme-state_machine_arn',
      OPS_DATABASE: 'acme_ops',
      LEAN_OPS_OUTPUTS: path.join(place.root, 'lean-ops.json'),
    });
    expect(output).not.toMatch(/SECRET|ENDPOINT/);
    const asJson = await place.run('env', '--format', 'json');
    expect(variables).toMatchObject(JSON.parse(asJson.output) as object);
  });

  it('knows every output of the root module', () => {
    const declared = [
      ...readFileSync(path.resolve(__dirname, '../../../outputs.tf'), 'utf8').matchAll(/^output "(\w+)"/gm),
    ];
    expect(declared.map(([, name]) => name).sort()).toEqual(
      [...TEXT_OUTPUTS, 'region', 'databases', 'freshness_targets', 'rewind_window_days'].sort(),
    );
  });

  it('names every output that the file lacks', async () => {
    const place = workspace();
    place.write('lean-ops.json', OUTPUTS);
    const { code, error } = await place.run('env');
    expect(code).toBe(2);
    expect(error).toContain('the output dlq_url is missing');
    expect(error).toContain('the output state_machine_arn is missing');
    expect(error).not.toContain('lake_bucket');
  });

  it('keeps any value as it is, and lets no output name a variable of the shell', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const text = value.replaceAll('\0', '');
        expect(evaluated(asShellLines({ set: { VALUE: text }, unset: [] }))['VALUE']).toBe(text);
      }),
      { numRuns: 25 },
    );
    const made = environmentOf({}, { ...ALL, path: '/nowhere', ld_preload: 'evil.so' });
    expect(made.ok && Object.keys(made.environment.set)).not.toContain('PATH');
  });

  it("hands on a local stack's endpoint and keys, and takes away what would go before them", () => {
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const local = environmentOf({ AWS_ENDPOINT_URL: 'http://127.0.0.1:4566', ...keys });
    if (!local.ok) throw new Error(local.missing.join());
    const variables = evaluated(asShellLines(local.environment), { AWS_PROFILE: 'mine', AWS_SESSION_TOKEN: 'old' });
    expect(variables).toMatchObject({ AWS_ENDPOINT_URL: 'http://127.0.0.1:4566', ...keys });
    expect(Object.keys(variables)).not.toContain('AWS_PROFILE');
    expect(Object.keys(variables)).not.toContain('AWS_SESSION_TOKEN');
  });

  it.each(['https://vpce-1.sqs.eu-central-1.vpce.amazonaws.com', 'http://127.0.0.1.example.com'])(
    'prints no keys for an endpoint elsewhere: %s',
    (endpoint) => {
      const made = environmentOf({ AWS_ENDPOINT_URL: endpoint, AWS_SECRET_ACCESS_KEY: 'mine' });
      expect(JSON.stringify(made)).toContain(endpoint);
      expect(JSON.stringify(made)).not.toContain('mine');
    },
  );
});
