/** `op show`, `op resume` and `op cancel`: what somebody does about one operation. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Option, type Command } from 'commander';
import {
  isOperationId,
  isSwapping,
  isTopicName,
  lockKeyOf,
  messageOf,
  readLock,
  type Operation,
} from '@lean-ops/common/core';
import { CliError } from '../../errors';
import { forgetReport } from '../../format/forget-report';
import { operationText, refusalText } from '../../format/operations';
import { readKnown, type Followed } from '../../operations/follow';
import { isStuck, withLook } from '../../operations/list-operations';
import type { Refusal } from '../../operations/plan';
import { cancelOperation, resumeOperation, swapping } from '../../operations/take-up';
import { readOperationsDeployment, type OperationsDeployment } from '../../pipeline/deployment';
import type { Operate, Operator } from '../../pipeline/operator';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { CommandContext, RegisterCommand } from '../command';
import { outputsOption } from '../options';
import { followAndSay, followedExitCode, timeoutOption } from '../topic/operate-topic';

interface OneOptions {
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

interface ShowOptions extends OneOptions {
  readonly report?: string;
}

interface ResumeOptions extends OneOptions {
  readonly detach: boolean;
  readonly timeout: number;
}

/** How long to wait until an operation is cancelled, which is one step of its state machine. */
const CANCEL_SECONDS = 120;

const SHOW_HELP = `
Exit codes:
  0  nobody has to do anything about it
  1  it failed, or nobody works on it, and it has its topic still
  2  wrong usage, or the command could not do its work`;

const TAKE_UP_HELP = `
Exit codes:
  0  done
  1  refused: it has ended, somebody is at work on it, or it swaps its tables in
  2  wrong usage; or the command could not do its work, or the operation failed`;

export const registerOpShow: RegisterCommand = (op, context) => {
  withCommonOptions(op.command('show').description('one operation: what, who, why, how far, and how to go on'))
    .option('--report <file>', 'of an erasure: write what was found, deleted and remains, for the person who asked')
    .addHelpText('after', SHOW_HELP)
    .action(async (id: string, options: ShowOptions) => {
      context.setExitCode(await opShow(id, options, context));
    });
};

export const registerOpResume: RegisterCommand = (op, context) => {
  withCommonOptions(
    op.command('resume').description('take up an operation that failed or died, from the step that it had reached'),
  )
    .option('--detach', 'do not wait for the end', false)
    .addOption(timeoutOption())
    .addHelpText('after', TAKE_UP_HELP)
    .action(async (id: string, options: ResumeOptions) => {
      context.setExitCode(await opResume(id, options, context));
    });
};

export const registerOpCancel: RegisterCommand = (op, context) => {
  withCommonOptions(
    op.command('cancel').description('stop an operation and take it back: a topic that it held is given back'),
  )
    .addHelpText('after', TAKE_UP_HELP)
    .action(async (id: string, options: OneOptions) => {
      context.setExitCode(await opCancel(id, options, context));
    });
};

function withCommonOptions(command: Command): Command {
  return command
    .argument('<operation>', 'its id, as lean-ops op list has it; or a topic, for the operation that has it')
    .addOption(outputsOption())
    .addOption(
      new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'),
    );
}

type Context = Pick<CommandContext, 'terminal' | 'operate'>;

interface Connection {
  readonly id: string;
  readonly deployment: OperationsDeployment;
  readonly operator: Operator;
}

/**
 * Connects, and finds the operation.
 *
 * @param named an operation's id, or a topic for the operation that has it
 */
async function connection(
  named: string,
  outputs: string | undefined,
  terminal: Terminal,
  operate: Operate,
): Promise<Connection> {
  if (!isOperationId(named) && !isTopicName(named)) {
    throw new CliError(`${named} is neither the id of an operation nor a topic: lean-ops op list shows them.`);
  }
  const deployment = await readOperationsDeployment(outputs, terminal);
  const operator = operate(deployment);
  if (isOperationId(named)) return { id: named, deployment, operator };
  const lock = readLock(await operator.documents.get(deployment.operationsTable, lockKeyOf(named)));
  if (lock !== undefined) return { id: lock.holder, deployment, operator };
  throw new CliError(`no operation has ${named}. Those that it had: lean-ops op list --topic ${named}`);
}

export async function opShow(
  named: string,
  { outputs, format, report }: ShowOptions,
  { terminal, operate }: Context,
): Promise<ExitCode> {
  const { id, deployment, operator } = await connection(named, outputs, terminal, operate);
  const operation = await withLook(await readKnown(id, deployment, operator), deployment, operator);
  if (report !== undefined) {
    if (operation.kind !== 'forget') throw new CliError(`${id} is no erasure, so there is no report of it.`);
    try {
      await writeFile(path.resolve(terminal.cwd, report), forgetReport(operation));
    } catch (error) {
      throw new CliError(`${report} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }
  terminal.write(
    format === 'json' ? `${JSON.stringify({ operation }, null, 2)}\n` : operationText(operation, operator.clock.now()),
  );
  return isStuck(operation) ? EXIT.problems : EXIT.clean;
}

export async function opResume(
  named: string,
  { outputs, format, detach, timeout }: ResumeOptions,
  { terminal, operate }: Context,
): Promise<ExitCode> {
  const { id, deployment, operator } = await connection(named, outputs, terminal, operate);
  const say = format === 'json' ? terminal.writeError : terminal.write;
  const resumed = await resumeOperation(id, deployment, operator);
  if (!resumed.ok) return refusedWith(resumed.refusal, format, terminal);
  say(`${id} is taken up from ${resumed.operation.step} on.\n`);
  if (detach) {
    say(`It runs in AWS: lean-ops op show ${id}\n`);
    if (format === 'json') terminal.write(endJson(resumed.operation));
    return EXIT.clean;
  }
  const followed = await followAndSay(id, timeout * 1_000, { deployment, operator, say }, resumed.operation);
  if (format === 'json') terminal.write(endJson(followed.operation, followed.end));
  return followedExitCode(followed);
}

export async function opCancel(
  named: string,
  { outputs, format }: OneOptions,
  { terminal, operate }: Context,
): Promise<ExitCode> {
  const { id, deployment, operator } = await connection(named, outputs, terminal, operate);
  const say = format === 'json' ? terminal.writeError : terminal.write;
  const cancelled = await cancelOperation(id, deployment, operator);
  if (!cancelled.ok) return refusedWith(cancelled.refusal, format, terminal);
  const before = cancelled.operation;
  const followed: Followed =
    before.state === 'CANCELLED'
      ? { end: 'ENDED', operation: before }
      : await followAndSay(id, CANCEL_SECONDS * 1_000, { deployment, operator, say }, before);
  const { operation, end } = followed;
  // It began to swap between the look at it and its cancellation, which was refused then.
  if (operation.state !== 'CANCELLED' && isSwapping(operation)) {
    return refusedWith(swapping(operation), format, terminal);
  }
  if (operation.state === 'CANCELLED') {
    const { kind, topic } = operation;
    say(kind === 'release' ? `${topic} stays held.\n` : `${topic} is given back as it was.\n`);
  }
  if (format === 'json') terminal.write(endJson(operation, end));
  return operation.state === 'CANCELLED' ? EXIT.clean : EXIT.failed;
}

function refusedWith(refusal: Refusal, format: 'text' | 'json', { write }: Terminal): ExitCode {
  write(
    format === 'json' ? `${JSON.stringify({ refusal, operation: null, end: null }, null, 2)}\n` : refusalText(refusal),
  );
  return EXIT.problems;
}

function endJson(operation: Operation, end: Followed['end'] | null = null): string {
  return `${JSON.stringify({ refusal: null, operation, end }, null, 2)}\n`;
}
