/** SDK clients for a running stack, with the rights of its root user, and its Terraform outputs with types. */
import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { CREDENTIALS, endpointOf, REGION } from './emulator-process';
import { UserError } from './errors';
import type { Stack } from './stack';

// The SDK's version is pinned here, so people who run the stack on Node 20 need no warning about a later one.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

export interface Clients {
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  readonly athena: AthenaClient;
  readonly dynamodb: DynamoDBClient;
  readonly glue: GlueClient;
}

/** How any SDK client reaches the stack. */
export function clientConfig({ port }: Pick<Stack, 'port'>) {
  return { endpoint: endpointOf(port), region: REGION, credentials: CREDENTIALS, maxAttempts: 5 };
}

export function connect(stack: Stack): Clients {
  const config = clientConfig(stack);
  return {
    sqs: new SQSClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    sfn: new SFNClient(config),
    athena: new AthenaClient(config),
    dynamodb: new DynamoDBClient(config),
    glue: new GlueClient(config),
  };
}

export interface Databases {
  readonly raw: string;
  readonly standardized: string;
  readonly curated: string;
  readonly ops: string;
}

/**
 * An output of the root module that is a text.
 *
 * @throws {UserError} when there is no such output
 */
export function output(stack: Stack, name: string): string {
  const value = stack.outputs[name];
  if (typeof value !== 'string')
    throw new UserError(`Terraform output ${name} is missing. \`pnpm local outputs\` lists what is there.`);
  return value;
}

export function databases(stack: Stack): Databases {
  return stack.outputs['databases'] as Databases;
}
