import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { Connect } from '../src/pipeline/aws-clients';
import { run } from '../src/program';

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

/** A directory of its own, with the command run in it. @param connect to the pipeline, for commands that talk to one */
export function workspace(connect?: Connect) {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'lean-ops-cli-')));
  made.push(root);
  const write = (file: string, content: string | Uint8Array | object): void => {
    const absolute = path.join(root, file);
    mkdirSync(path.dirname(absolute), { recursive: true });
    const text = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(absolute, text ? content : `${JSON.stringify(content, null, 2)}\n`);
  };
  return {
    root,
    write,
    remove: (file: string): void => rmSync(path.join(root, file)),
    git: (...args: string[]): string =>
      execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    /** What the user sees. */
    run: async (...args: string[]): Promise<{ code: number; output: string; error: string }> => {
      let output = '';
      let error = '';
      const terminal = {
        cwd: root,
        env: {},
        write: (text: string) => void (output += text),
        writeError: (text: string) => void (error += text),
      };
      const code = await run(args, terminal, connect);
      return { code, output, error };
    },
  };
}

/** A schema of a small topic; a test names what it varies. */
export function schema(topic: string, changes: Readonly<Record<string, unknown>> = {}): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Readings',
    'x-topic': topic,
    'x-version': 1,
    type: 'object',
    required: ['device_id'],
    properties: {
      device_id: { type: 'string', 'x-cde': true },
      level: { type: 'integer', 'x-type': 'int', minimum: 0 },
    },
    ...changes,
  };
}

/** Terraform's outputs of a pipeline. */
export const OUTPUTS = {
  schema_bucket: 'acme-schemas',
  lake_bucket: 'acme-lake',
  schema_registry_table: 'acme-schema-registry',
  athena_workgroup: 'acme',
  databases: { raw: 'acme_raw', standardized: 'acme_standardized', curated: 'acme_curated', ops: 'acme_ops' },
};
