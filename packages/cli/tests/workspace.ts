import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { Connect } from '../src/pipeline/aws-clients';
import type { Observe } from '../src/pipeline/observer';
import type { Operate } from '../src/pipeline/operator';
import type { Redeliver } from '../src/pipeline/redeliverer';
import { run } from '../src/program';

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

/**
 * A new directory, and a function that runs the command in it.
 *
 * @param connect the connection to a pipeline, for commands that need one
 * @param observe the connection of the commands that look at a running pipeline
 * @param operate the connection of the commands on topics and operations
 * @param redeliver the connection of the commands that send dead letters again
 */
export function workspace(connect?: Connect, observe?: Observe, operate?: Operate, redeliver?: Redeliver) {
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
    /** Runs the command and returns everything that its user sees. */
    run: async (...args: string[]): Promise<{ code: number; output: string; error: string }> => {
      let output = '';
      let error = '';
      const terminal = {
        cwd: root,
        env: {},
        write: (text: string) => void (output += text),
        writeError: (text: string) => void (error += text),
        columns: undefined,
        colour: false,
      };
      const code = await run(args, terminal, connect, observe, operate, redeliver);
      return { code, output, error };
    },
  };
}

/** A schema of a small topic; a test passes only what it varies. */
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

/** The Terraform outputs of a made-up pipeline. */
export const OUTPUTS = {
  region: 'eu-central-1',
  schema_bucket: 'acme-schemas',
  lake_bucket: 'acme-lake',
  schema_registry_table: 'acme-schema-registry',
  athena_workgroup: 'acme',
  databases: { raw: 'acme_raw', standardized: 'acme_standardized', curated: 'acme_curated', ops: 'acme_ops' },
};

/** The outputs that the commands for a running pipeline need besides. */
export const OPERATED_OUTPUTS = {
  ...OUTPUTS,
  checkpoint_table: 'acme-checkpoints',
  dlq_archive_table: 'acme-dlq-archive',
  dlq_archive_bucket: 'acme-dlq-archive',
  ingest_queue_url: 'https://sqs.eu-central-1.amazonaws.com/123456789012/acme-ingest',
  state_machine_arn: 'arn:aws:states:eu-central-1:123456789012:stateMachine:acme-cycle',
  freshness_targets: { default: 60, topics: {} },
};

/** The outputs that the commands on topics and operations need besides. */
export const OPERATIONS_OUTPUTS = {
  ...OPERATED_OUTPUTS,
  operations_table: 'acme-operations',
  operations_athena_workgroup: 'acme-operations',
  operation_state_machine_arn: 'arn:aws:states:eu-central-1:123456789012:stateMachine:acme-operation',
};
