/** What the end-to-end tests do to the running stack, in the words of its users. */
import { readFileSync } from 'node:fs';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { connect, databases, output } from '../../scripts/local/clients';
import { runCycle, type CycleOutcome } from '../../scripts/local/cycle';
import { drain } from '../../scripts/local/drain';
import { stackPaths } from '../../scripts/local/paths';
import { queryObjects } from '../../scripts/local/query';
import type { Stack, StackRecord } from '../../scripts/local/stack';
import { STACK } from './global-setup';

export function theStack(): Stack {
  const paths = stackPaths(STACK);
  return { ...(JSON.parse(readFileSync(paths.record, 'utf8')) as StackRecord), paths };
}

/** One message, as any producer with an SDK sends it. @returns the SQS message id. */
export async function send(stack: Stack, body: string, topic?: string): Promise<string> {
  const { sqs } = connect(stack);
  const attributes =
    topic === undefined ? {} : { MessageAttributes: { topic_name: { DataType: 'String', StringValue: topic } } };
  const response = await sqs.send(
    new SendMessageCommand({ QueueUrl: output(stack, 'ingest_queue_url'), MessageBody: body, ...attributes }),
  );
  return response.MessageId ?? '';
}

export async function cycle(stack: Stack): Promise<CycleOutcome> {
  return runCycle(stack, () => undefined);
}

export async function settle(stack: Stack): Promise<void> {
  await drain(stack, () => undefined, 120_000);
}

export async function rows(stack: Stack, sql: string): Promise<Record<string, string | null>[]> {
  const db = databases(stack);
  return queryObjects(
    stack,
    sql.replace(/\{(\w+)\}/g, (_, name: string) => `"${db[name as keyof typeof db]}"`),
  );
}

export function tableOf(topic: string): string {
  return topic.replace(/[.-]/g, '_');
}

let unique = 0;
/** A topic that no other test uses. */
export function freshTopic(stem: string): string {
  return `e2e.${stem}-${(unique += 1)}`;
}
