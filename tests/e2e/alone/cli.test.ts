/** Runs the real command against the stack with exactly the rights that docs/schemas-repository gives its roles. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, describe, expect, it } from '@jest/globals';
import { athena } from '../../../packages/common/src/aws/athena';
import { databases, output } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { stackEnvironment } from '../../../scripts/local/exec';
import { freshTopic, rows, tableOf, theStack } from '../stack';

const ROOT = path.resolve(__dirname, '../../..');
const stack = theStack();
const home = mkdtempSync(path.join(tmpdir(), 'lean-ops-cli-e2e-'));
afterAll(() => rmSync(home, { recursive: true }));

interface Seen {
  readonly code: number | null;
  readonly output: string;
  readonly error: string;
}

function leanOps(env: Record<string, string>, ...args: string[]): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, 'packages/cli/bin/lean-ops.mjs'), 'schema', ...args], {
      cwd: home,
      env: { ...process.env, ...env },
    });
    let output = '';
    let error = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, error }));
  });
}

/** The environment variables of a user with one of the documented policies. */
async function holderOf(policy: 'reader' | 'writer'): Promise<Record<string, string>> {
  const iam = new IAMClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });
  const values: Record<string, unknown> = {
    ...stack.outputs,
    ...databases(stack),
    region: REGION,
    account: '000000000000',
  };
  const template = readFileSync(path.join(ROOT, `docs/schemas-repository/${policy}-policy.json`), 'utf8');
  const document = template.replace(/\$\{(\w+)\}/g, (_, name: string) => String(values[name]));
  const user = { UserName: `schemas-${policy}` };
  await iam.send(new CreateUserCommand(user));
  await iam.send(new PutUserPolicyCommand({ ...user, PolicyName: policy, PolicyDocument: document }));
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand(user));
  return {
    ...stackEnvironment(stack),
    AWS_ACCESS_KEY_ID: key?.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: key?.SecretAccessKey ?? '',
  };
}

function write(folder: string, topic: string, changes: object = {}): void {
  mkdirSync(path.join(home, folder, topic), { recursive: true });
  const document = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Readings',
    type: 'object',
    'x-topic': topic,
    'x-version': 1,
    required: ['device_id'],
    properties: { device_id: { type: 'string', minLength: 1, 'x-cde': true }, level: { type: 'integer' } },
    ...changes,
  };
  writeFileSync(path.join(home, folder, topic, 'schema.json'), `${JSON.stringify(document, null, 2)}\n`);
}

describe('lean-ops schema, with the rights of a schemas repository', () => {
  const writer = holderOf('writer');
  const reader = holderOf('reader');

  it('push: a new topic is READY with both tables within 20 s, start of the command included', async () => {
    const topic = freshTopic('pushed');
    write('one', topic);
    const env = await writer;
    const started = Date.now();
    const { code, output: shown, error } = await leanOps(env, 'push', `one/${topic}`);
    const took = (Date.now() - started) / 1_000;
    expect({ code, error }).toEqual({ code: 0, error: '' });
    expect(shown).toMatch(/READY after \d+\.\d s, new\n1 schema: 1 ready\.\n$/);
    expect(took).toBeLessThan(20);
    await expect(rows(stack, `SELECT message_id FROM {standardized}."${tableOf(topic)}"`)).resolves.toEqual([]);
    await expect(rows(stack, `SELECT level FROM {curated}."${tableOf(topic)}"`)).resolves.toEqual([]);
  });

  it('push: a bad one shows every problem by pointer, in one go', async () => {
    const topic = freshTopic('bad');
    write('bad', topic, {
      'x-version': 'one',
      properties: {
        a: { type: 'integer', minimum: 9, maximum: 5 },
        b: { type: 'string', pattern: '^(a+)+$', maxlenght: 3 },
      },
    });
    const { code, output: shown } = await leanOps(
      await writer,
      'push',
      `bad/${topic}`,
      '--no-lint',
      '--format',
      'json',
    );
    const report = JSON.parse(shown) as {
      files: { outcome: string; uploaded: boolean; problems: { pointer: string }[] }[];
    };
    expect(report.files).toMatchObject([{ outcome: 'REFUSED', uploaded: true }]);
    expect(report.files[0]?.problems.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining([
        '/x-version',
        '/properties/a/minimum',
        '/properties/b/pattern',
        '/properties/b/maxlenght',
      ]),
    );
    expect(code).toBe(1);
  });

  it('sync: uploads once, then nothing; diff --active sees the same, and what a change would run', async () => {
    const [first, second] = [freshTopic('sync'), freshTopic('sync')];
    write('all', first);
    write('all', second);
    const synced = await leanOps(await writer, 'sync', 'all');
    expect(synced).toMatchObject({ code: 0, output: expect.stringMatching(/2 schemas: 2 ready\.\n$/) });
    const again = await leanOps(await writer, 'sync', 'all');
    expect(again).toMatchObject({ code: 0, output: expect.stringMatching(/2 schemas: 2 already active\.\n$/) });

    write('all', first, {
      'x-version': 2,
      properties: {
        device_id: { type: 'string', minLength: 1, 'x-cde': true },
        level: { type: 'integer' },
        note: { type: 'string' },
      },
    });
    const diff = await leanOps(await reader, 'diff', '--active', `all/${first}`, `all/${second}`);
    expect(diff.output).toContain(
      `ALTER TABLE \`${databases(stack).curated}\`.\`${tableOf(first)}\` ADD COLUMNS (\`note\` string);`,
    );
    expect(diff).toMatchObject({ code: 0, output: expect.stringContaining(': 1 changed (no breaking changes') });
  });

  it('lets a reader plan a schema by the rows of Standardized, and query no other layer', async () => {
    const topic = freshTopic('read');
    write('read', topic);
    await leanOps(await writer, 'push', `read/${topic}`);
    const planned = await leanOps(await reader, 'plan', topic, `read/${topic}/schema.json`);
    expect(planned).toMatchObject({ code: 0, error: '', output: expect.stringContaining('OK to merge.') });
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = await reader;
    const client = new AthenaClient({
      endpoint: endpointOf(stack.port),
      region: REGION,
      credentials: { accessKeyId, secretAccessKey },
    });
    const service = athena({ workgroup: output(stack, 'athena_workgroup') }, client);
    const { standardized, curated } = databases(stack);
    const count = (database: string) => service.query(`SELECT count(*) FROM "${database}"."${tableOf(topic)}"`);
    await expect(count(standardized)).resolves.toMatchObject({ rows: [['0']] });
    await expect(count(curated)).rejects.toThrow(/not authorized|denied/i);
  });

  it('shows a reader the state of all schemas', async () => {
    const { code, output: shown, error } = await leanOps(await reader, 'status');
    expect(error).toBe('');
    expect(shown).toMatch(/^topic +state +version/);
    expect(shown).toMatch(/ FAILED .*refused /);
    expect(shown).toMatch(/\n\d+ schemas: \d+ failed, (?:\d+ pending, )?\d+ active\.\n/);
    expect(code).toBe(1);
  });

  it('tells a reader who pushes which right is missing, in one line', async () => {
    const topic = freshTopic('denied');
    write('denied', topic);
    const { code, output: shown, error } = await leanOps(await reader, 'push', `denied/${topic}`);
    expect({ code, shown }).toEqual({ code: 2, shown: '' });
    expect(error).toMatch(/^error: not allowed: these credentials need (dynamodb:GetItem|s3:PutObject) on [^\n]+\n$/);
  });
});
