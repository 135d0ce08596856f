/** Runs one cycle by the same state machine that the schedule starts on AWS. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeExecutionCommand, GetExecutionHistoryCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { executionCause } from '../../packages/common/src/core/execution-cause';
import { connect, output } from './clients';
import { drain } from './drain';
import { PipelineError, UserError } from './errors';
import type { Stack } from './stack';

const POLL_MS = 500;

export interface CycleOutcome {
  readonly executionArn: string;
  readonly cycleId: string | undefined;
  readonly reason: string | undefined;
  readonly states: readonly string[];
  readonly seconds: number;
}

/**
 * Waits until everything that was sent has landed, then runs one cycle to its end.
 *
 * @throws {PipelineError} with the step that failed, the cause and the execution when the cycle fails
 */
export async function runCycle(stack: Stack, progress: (line: string) => void): Promise<CycleOutcome> {
  await drain(stack, (now) => progress(`settling: queue ${now.queue}, Firehose ${now.firehose}, DLQ ${now.dlq}`));
  const { sfn } = connect(stack);
  const started = Date.now();
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({
      stateMachineArn: output(stack, 'state_machine_arn'),
      name: `local-${started.toString(36)}`,
      input: '{}',
    }),
  );
  if (executionArn === undefined) throw new UserError('Step Functions did not say which execution it started.');
  for (;;) {
    const execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    const states = await enteredStates(stack, executionArn);
    progress(states.at(-1) ?? 'starting');
    if (execution.status === 'RUNNING') {
      await sleep(POLL_MS);
      continue;
    }
    if (execution.status !== 'SUCCEEDED') {
      const { text } = executionCause({ ...execution, status: execution.status ?? '' });
      throw new PipelineError(`${text}\n  execution: ${executionArn}\n  logs: ${stack.paths.logs}`);
    }
    const plan = JSON.parse(execution.output ?? '{}') as { plan?: { cycle_id?: string; reason?: string } };
    return {
      executionArn,
      cycleId: plan.plan?.cycle_id,
      reason: plan.plan?.reason,
      states,
      seconds: (Date.now() - started) / 1000,
    };
  }
}

async function enteredStates(stack: Stack, executionArn: string): Promise<string[]> {
  const { sfn } = connect(stack);
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await sfn.send(
      new GetExecutionHistoryCommand({ executionArn, ...(token === undefined ? {} : { nextToken: token }) }),
    );
    for (const event of page.events ?? [])
      if (event.stateEnteredEventDetails?.name !== undefined) names.push(event.stateEnteredEventDetails.name);
    token = page.nextToken;
  } while (token !== undefined);
  return names;
}
