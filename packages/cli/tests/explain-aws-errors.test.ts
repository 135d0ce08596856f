import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { explainError } from '../src/pipeline/explain-aws-errors';
import { OUTPUTS, schema, workspace } from './workspace';

const AWS = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_PROFILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_ENDPOINT_URL',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_EC2_METADATA_DISABLED',
  'NO_PROXY',
];
const before = Object.fromEntries(AWS.map((name) => [name, process.env[name]]));

function aws(env: Record<string, string>): void {
  for (const name of AWS) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, {
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_PROXY: '127.0.0.1',
    ...env,
  });
}

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' };
const answers: { status: number; body: string } = { status: 500, body: '' };
const authorizations: string[] = [];
const server = createServer((request, response) => {
  authorizations.push(request.headers.authorization ?? '');
  request.resume();
  response
    .writeHead(answers.status, { 'content-type': 'application/xml' })
    .end(request.method === 'HEAD' ? '' : answers.body);
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  await new Promise((resolve) => server.close(resolve));
});

/** Runs the command with the real SDK against an endpoint that fails, and returns what its user sees. */
async function seen(...args: string[]) {
  const { write, run } = workspace();
  write('lean-ops.json', OUTPUTS);
  write('schemas/a/schema.json', schema('a'));
  const result = await run(...args);
  expect(result.error).toMatch(/^error: [^\n]+\n$/);
  expect({ code: result.code, output: result.output }).toEqual({ code: 2, output: '' });
  return result.error;
}

describe('what AWS refuses, in one line', () => {
  it.each([undefined, 'us-east-1'])('signs for the region of the outputs, with AWS_REGION=%s', async (region) => {
    const { port } = server.address() as AddressInfo;
    aws({ ...KEYS, ...(region && { AWS_REGION: region }), AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    Object.assign(answers, { status: 400, body: '<Error><Code>Strange</Code><Message>why</Message></Error>' });
    authorizations.length = 0;
    for (const command of [
      ['push', 'schemas'],
      ['sync', 'schemas'],
      ['diff', '--active'],
    ]) {
      await seen('schema', ...command);
    }
    const regions = new Set(authorizations.map((header) => /Credential=AKIA\/\d+\/([^/]+)\//.exec(header)?.[1]));
    expect(regions).toEqual(new Set([OUTPUTS.region]));
  });

  it('no credentials', async () => {
    aws({});
    expect(await seen('schema', 'sync', 'schemas')).toContain('no AWS credentials were found');
  });

  it('nobody there', async () => {
    aws({ ...KEYS, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' });
    expect(await seen('schema', 'sync', 'schemas')).toContain(
      'AWS was not reached for s3:ListBucket on s3://acme-schemas/schemas/ (ECONNREFUSED',
    );
  });

  it.each([
    [
      403,
      'AccessDenied',
      'not allowed: these credentials need s3:ListBucket on s3://acme-schemas/schemas/. AWS says: why',
    ],
    [403, 'InvalidAccessKeyId', 'AWS does not know these credentials (InvalidAccessKeyId): why'],
    [400, 'ExpiredToken', 'the AWS credentials are out of date (ExpiredToken)'],
    [
      404,
      'NoSuchBucket',
      's3://acme-schemas/schemas/ is not there (NoSuchBucket): are the outputs those of this account',
    ],
    [301, 'PermanentRedirect', 'is in another region'],
    [400, 'Strange', 's3:ListBucket on s3://acme-schemas/schemas/ failed: Strange: why'],
  ])('%i %s', async (status, code, line) => {
    const { port } = server.address() as AddressInfo;
    aws({ ...KEYS, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    Object.assign(answers, { status, body: `<Error><Code>${code}</Code><Message>why</Message></Error>` });
    expect(await seen('schema', 'sync', 'schemas')).toContain(line);
  });

  it('says the same for one push, where HEAD answers have no body', async () => {
    const { port } = server.address() as AddressInfo;
    aws({ ...KEYS, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    Object.assign(answers, { status: 403, body: '' });
    expect(await seen('schema', 'push', 'schemas/a')).toMatch(
      /need s3:GetObject on s3:\/\/acme-schemas\/schemas\/a\/(active|pending|failed)\/\w+\.json \(and s3:ListBucket on the bucket/,
    );
  });

  it('keeps to one line whatever is thrown', () => {
    expect(explainError(new Error('a\n  b'), 's3:PutObject', 's3://b/k')).toContain(
      's3:PutObject on s3://b/k failed: UNKNOWN: a b (',
    );
    expect(explainError(null, 's3:PutObject', 's3://b/k')).toContain('UNKNOWN');
    expect(explainError(Object.assign(new Error(''), { name: 'TimeoutError' }), 'x', 'y')).toContain('(TimeoutError)');
  });
});
