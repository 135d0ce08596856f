/** The things that end-to-end tests do to the running stack, in the words of its users. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { connect, databases, output } from '../../scripts/local/clients';
import { runCycle, type CycleOutcome } from '../../scripts/local/cycle';
import { drain } from '../../scripts/local/drain';
import { tryLock, unlock } from '../../scripts/local/lock-file';
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

/**
 * A cycle that takes everything sent until now. Test files that run together share one: a cycle that began after this
 * call, whoever began it, has taken what was sent before. Only a cycle that succeeded is shared.
 */
export async function cycle(stack: Stack): Promise<CycleOutcome> {
  const asked = Date.now();
  const last = path.join(stack.paths.dir, 'shared-cycle.json');
  return whileAlone(path.join(stack.paths.dir, 'shared-cycle.lock'), async () => {
    const known = existsSync(last) ? (JSON.parse(readFileSync(last, 'utf8')) as SharedCycle) : undefined;
    if (known !== undefined && known.began >= asked) return known.outcome;
    const began = Date.now();
    const outcome = await runCycle(stack, () => undefined);
    writeFileSync(last, JSON.stringify({ began, outcome } satisfies SharedCycle));
    return outcome;
  });
}

interface SharedCycle {
  /** Before the queue was looked at, in milliseconds since the epoch. */
  readonly began: number;
  readonly outcome: CycleOutcome;
}

const LOOK_AGAIN_MS = 100;

/** Runs `work` while nobody else does, in this process or in another. */
async function whileAlone<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (tryLock(lock) !== undefined) await sleep(LOOK_AGAIN_MS);
  try {
    return await work();
  } finally {
    unlock(lock);
  }
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
/** A topic that no other test uses, of this file or of another. */
export function freshTopic(stem: string): string {
  const file = path.basename(expect.getState().testPath ?? '', '.test.ts');
  return `e2e.${file}.${stem}-${(unique += 1)}`;
}
