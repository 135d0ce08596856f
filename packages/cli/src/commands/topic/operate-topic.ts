/** What the commands that operate on a topic have in common: the plan, and with --apply the operation that does it. */
import { Option, type Command } from 'commander';
import type { Operation, TopicName } from '@lean-ops/common/core';
import { CliError } from '../../errors';
import { refusalText, stepText } from '../../format/operations';
import { applyText, catchingUpText, holdNotes, planText } from '../../format/topic-plan';
import { awaitCatchingUp, type CatchingUp } from '../../operations/catching-up';
import { followOperation, type Followed } from '../../operations/follow';
import {
  basisOf,
  basisText,
  parseBasis,
  planDocument,
  staleness,
  type PlanBasis,
  type PlanResult,
  type Refusal,
  type TopicPlan,
} from '../../operations/plan';
import { requestPlanned } from '../../operations/request';
import { readSituation, type TopicSituation } from '../../operations/situation';
import { readOperationsDeployment, type OperationsDeployment } from '../../pipeline/deployment';
import type { Operate, Operator } from '../../pipeline/operator';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import { outputsOption, wholeNumber } from '../options';
import { checkedReason } from '../reason';
import { parseTopic } from '../schema-plan';

export interface OperateOptions {
  readonly reason?: string;
  readonly apply: boolean;
  readonly plan?: string;
  readonly detach: boolean;
  /** Seconds. */
  readonly timeout: number;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const OPERATE_HELP = `
Without --apply it shows the plan and changes nothing. With it, the work runs in AWS, and
goes on there when this command is interrupted (lean-ops op list). docs/operations.md

Exit codes:
  0  done; or the plan could be done
  1  refused: the plan is stale, somebody else is at work on the topic, or there is
     nothing to do
  2  wrong usage; or the command could not do its work, or the operation failed, or it
     had not ended when the time to wait was over`;

const DEFAULT_TIMEOUT_SECONDS = 7_200;

/** Adds the options that all operations on a topic have. */
export function withOperateOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'why, for the record; required with --apply')
    .option('--apply', 'do it', false)
    .option(
      '--plan <plan>',
      'with --apply: only if the topic is still as in this plan, which a run without --apply has shown',
    )
    .option('--detach', 'with --apply: do not wait for the end', false)
    .addOption(timeoutOption())
    .addOption(outputsOption())
    .addOption(new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'))
    .addHelpText('after', OPERATE_HELP);
}

export function timeoutOption(): Option {
  return new Option('--timeout <seconds>', 'how long to wait for the end; the operation goes on after that')
    .argParser(wholeNumber({ from: 1, to: 86_400 }))
    .default(DEFAULT_TIMEOUT_SECONDS);
}

/** The plan for a topic's situation, or why there is none. */
type PlanFor = (
  situation: TopicSituation,
  deployment: OperationsDeployment,
  operator: Operator,
) => PlanResult<TopicPlan> | Promise<PlanResult<TopicPlan>>;

/** Everything that came of the command; a part of it is undefined where it did not get so far. */
export interface Outcome {
  readonly plan?: TopicPlan;
  readonly refusal?: Refusal;
  readonly operation?: Operation;
  readonly followed?: Followed;
  readonly caughtUp?: CatchingUp;
}

/** Plans, and applies when it is to. */
export async function operateTopic(
  topicText: string,
  options: OperateOptions,
  terminal: Terminal,
  operate: Operate,
  planFor: PlanFor,
): Promise<ExitCode> {
  const topic = parseTopic(topicText);
  const shown = checkedOptions(options);
  const deployment = await readOperationsDeployment(options.outputs, terminal);
  const operator = operate(deployment);
  const json = options.format === 'json';
  // Programs get one document in the end, and what happens meanwhile goes beside it.
  const say = json ? terminal.writeError : terminal.write;
  const outcome = await planAndApply(topic, shown, options, planFor, { deployment, operator, terminal, say });
  if (json) terminal.write(`${JSON.stringify(outcomeDocument(outcome, operator.clock.now()), null, 2)}\n`);
  return exitCodeOf(outcome);
}

/** The plan that --plan names. @throws CliError for options that do not go together */
export function checkedOptions({ apply, reason, detach, plan }: OperateOptions): PlanBasis | undefined {
  if (!apply && detach) throw new CliError('--detach goes with --apply: a plan is ready at once.');
  if (!apply && plan !== undefined) throw new CliError('--plan goes with --apply.');
  if (apply) checkedReason(reason, '--apply needs --reason TEXT, which stays on record with the operation.');
  if (plan === undefined) return undefined;
  const basis = parseBasis(plan);
  if (basis === undefined) throw new CliError(`--plan ${plan} is none that a run without --apply has shown.`);
  return basis;
}

export interface Surroundings {
  readonly deployment: OperationsDeployment;
  readonly operator: Operator;
  readonly terminal: Terminal;
  readonly say: (text: string) => void;
}

async function planAndApply(
  topic: TopicName,
  shown: PlanBasis | undefined,
  options: OperateOptions,
  planFor: PlanFor,
  surroundings: Surroundings,
): Promise<Outcome> {
  const { deployment, operator, say } = surroundings;
  const result = await planFor(await readSituation(topic, deployment, operator), deployment, operator);
  const stale = result.ok && shown !== undefined ? staleness(shown, result.plan) : undefined;
  const refusal = result.ok ? stale : result.refusal;
  if (!result.ok || refusal !== undefined) {
    say(refusal === undefined ? '' : refusalText(refusal));
    return { ...(result.ok && { plan: result.plan }), ...(refusal && { refusal }) };
  }
  const { plan } = result;
  say(planText(plan, operator.clock.now()));
  if (options.apply) return applyPlan(plan, options, surroundings);
  say(applyText(plan));
  return { plan };
}

/** Does what was planned, and follows it to its end. */
export async function applyPlan(
  plan: TopicPlan,
  { reason = '', detach, timeout }: Pick<OperateOptions, 'reason' | 'detach' | 'timeout'>,
  { deployment, operator, terminal, say }: Surroundings,
): Promise<Outcome> {
  const requested = await requestPlanned({ plan, reason: reason.trim() }, deployment, operator);
  if (!requested.ok) {
    say(refusalText(requested.refusal));
    return { plan, refusal: requested.refusal };
  }
  const { operation } = requested;
  if (detach) {
    say(detachedText(operation));
    return { plan, operation };
  }
  const timeoutMs = timeout * 1_000;
  const started = operator.clock.now();
  const followed = await followAndSay(operation.operationId, timeoutMs, { deployment, operator, say });
  if (plan.kind !== 'release' || followed.end !== 'ENDED' || followed.operation.state !== 'DONE') {
    return { plan, operation: followed.operation, followed };
  }
  const left = Math.max(0, timeoutMs - (operator.clock.now() - started));
  const since = new Date(Date.parse(followed.operation.endedAt ?? followed.operation.updatedAt));
  const caughtUp = await awaitCatchingUp(plan.topic, since, left, deployment, operator);
  say(catchingUpText(plan.topic, caughtUp, terminal));
  return { plan, operation: followed.operation, followed, caughtUp };
}

/** Follows an operation to its end, and says each step in a line of its own. */
export async function followAndSay(
  operationId: string,
  timeoutMs: number,
  { deployment, operator, say }: Pick<Surroundings, 'deployment' | 'operator' | 'say'>,
  resumed?: Operation,
): Promise<Followed> {
  const followed = await followOperation(operationId, deployment, operator, {
    timeoutMs,
    onStep: (operation) => say(stepText(operation)),
    ...(resumed && { resumed }),
  });
  say(endText(followed));
  return followed;
}

function detachedText({ operationId, kind, topic }: Operation): string {
  const later = kind === 'release' ? `When it has caught up, it is no more in: lean-ops topic status\n` : '';
  return `${operationId} has ${topic}, and runs in AWS: lean-ops op show ${operationId}\n${later}`;
}

function endText({ end, operation }: Followed): string {
  const { operationId, state, error, step } = operation;
  const goOn = `next: lean-ops op resume ${operationId}, or lean-ops op cancel ${operationId}\n`;
  switch (end) {
    case 'ENDED':
      if (state !== 'FAILED') return '';
      return `${error ?? 'no cause was given'}\n${step === 'REQUESTED' ? 'Nothing was changed.\n' : goOn}`;
    case 'DIED':
      return `Nobody works on ${operationId} any more: its execution has ended without a word.\n${goOn}`;
    case 'TIMEOUT':
      return `${operationId} has not ended yet, and goes on in AWS: lean-ops op show ${operationId}\n`;
  }
}

/** Codes of an operation that was refused as it began. */
const REFUSED = /\b(?:PLAN_STALE|ALREADY_HELD|NOT_HELD|HELD_OTHERWISE)\b/;

/** The exit code of what somebody watched. An operation that found its plan stale is refused, and did not fail. */
export function followedExitCode({ end, operation }: Followed): ExitCode {
  if (end === 'ENDED' && operation.state !== 'FAILED') return EXIT.clean;
  const refused = operation.step === 'REQUESTED' && REFUSED.test(operation.error ?? '');
  return end === 'ENDED' && refused ? EXIT.problems : EXIT.failed;
}

export function exitCodeOf({ refusal, followed, caughtUp }: Outcome): ExitCode {
  if (refusal !== undefined) return EXIT.problems;
  if (caughtUp?.end === 'TIMEOUT') return EXIT.failed;
  return followed === undefined ? EXIT.clean : followedExitCode(followed);
}

/** Everything that came of the command, for programs. */
export function outcomeDocument({ plan, refusal, operation, followed, caughtUp }: Outcome, now: number): object {
  return {
    plan:
      plan === undefined
        ? null
        : {
            kind: plan.kind,
            ...planDocument(plan),
            basis: basisText(basisOf(plan)),
            notes: plan.kind === 'hold' ? holdNotes(plan, now) : [],
          },
    refusal: refusal ?? null,
    operation: operation ?? null,
    end: followed?.end ?? null,
    caught_up: caughtUp ?? null,
  };
}
