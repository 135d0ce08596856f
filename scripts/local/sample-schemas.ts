/** The sample schemas, and their upload to a stack in the way in which a merged pull request uploads them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { deploymentFrom } from '../../packages/cli/src/pipeline/deployment';
import { DEFAULT_TIMEOUT_MS, uploadSchema } from '../../packages/cli/src/upload/upload-schema';
import { dynamoDocumentStore } from '../../packages/common/src/aws/documents';
import { s3ObjectStore } from '../../packages/common/src/aws/objects';
import { systemClock } from '../../packages/common/src/aws/runtime';
import { checkTopic } from '../../packages/common/src/core/topic';
import { connect } from './clients';
import { UserError } from './errors';
import { ROOT } from './paths';
import type { Stack } from './stack';

const SCHEMAS = path.join(ROOT, 'schemas');

/** The topics with a sample schema in this repository, sorted. */
export function sampleTopics(): string[] {
  return readdirSync(SCHEMAS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(SCHEMAS, entry.name, 'schema.json')))
    .map((entry) => entry.name)
    .sort();
}

export function sampleSchema(topic: string): string {
  return readFileSync(path.join(SCHEMAS, topic, 'schema.json'), 'utf8');
}

/**
 * Uploads a schema and waits until it is active.
 *
 * @throws {UserError} with every problem when the schema is refused, or when no verdict came in time
 */
export async function pushSchema(stack: Stack, name: string, text: string): Promise<void> {
  const read = deploymentFrom(stack.outputs);
  if (!read.ok) throw new UserError(`Terraform's outputs are not whole: ${read.problems.join('; ')}.`);
  const topic = checkTopic(name);
  if (!topic.ok) throw new UserError(topic.message);
  const { s3, dynamodb } = connect(stack);
  const cloud = { objects: s3ObjectStore(s3), documents: dynamoDocumentStore(dynamodb), clock: systemClock };
  const outcome = await uploadSchema(topic.topic, text, read.deployment, cloud);
  if (outcome.verdict === 'READY') return;
  if (outcome.verdict === 'REFUSED') {
    const problems = outcome.problems.map(({ code, path: pointer, message }) => `  ${code} ${pointer}: ${message}`);
    throw new UserError(`The schema of ${name} was refused:\n${problems.join('\n')}`);
  }
  throw new UserError(
    `No verdict on the schema of ${name} (${outcome.verdict}) after ${DEFAULT_TIMEOUT_MS / 1_000} s. See the log group of schema-validator.`,
  );
}
