import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { clientOptions, type ClientSettings } from '../client-options';

/** An execution of a state machine. Times are epoch milliseconds. */
export interface Execution {
  readonly arn: string;
  /** RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED. */
  readonly status: string;
  readonly startedAt: number;
  /** Undefined while it runs. */
  readonly endedAt: number | undefined;
}

/** Why an execution failed, as its Fail state or the service says it. */
export interface ExecutionFailure {
  readonly error: string;
  readonly cause: string;
}

export interface ExecutionReader {
  /** The newest executions of a state machine, the newest first. */
  newest(stateMachineArn: string, limit: number): Promise<readonly Execution[]>;
  failureOf(executionArn: string): Promise<ExecutionFailure>;
}

export function stepFunctionsClient(settings: Pick<ClientSettings, 'region'> = {}): SFNClient {
  return new SFNClient(clientOptions({ ...settings, requestTimeoutMs: 5_000 }));
}

export function stepFunctionsExecutions(client: SFNClient = stepFunctionsClient()): ExecutionReader {
  return {
    async newest(stateMachineArn, limit) {
      const { executions = [] } = await client.send(new ListExecutionsCommand({ stateMachineArn, maxResults: limit }));
      return executions.map(({ executionArn, status, startDate, stopDate }) => ({
        arn: executionArn ?? '',
        status: status ?? '',
        startedAt: startDate?.getTime() ?? 0,
        endedAt: stopDate?.getTime(),
      }));
    },
    async failureOf(executionArn) {
      const { error, cause } = await client.send(new DescribeExecutionCommand({ executionArn }));
      return { error: error ?? '', cause: cause ?? '' };
    },
  };
}
