import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  StartExecutionCommand,
  StopExecutionCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import type { DocumentValue } from '../core/condition';
import { stepFunctionsClient, type ExecutionFailure } from './observe/executions';

/** An execution as DescribeExecution gives it; `error` and `cause` are empty unless it failed. */
export interface ExecutionState extends ExecutionFailure {
  /** RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED. */
  readonly status: string;
}

/** Starts executions of one state machine, and looks after them. */
export interface StateMachine {
  /**
   * Starts an execution and gives its ARN. A name stands for one execution: to start it again, by a repeated call of somebody
   * who did not hear the answer, gives the first one.
   *
   * @param name at most 80 letters, digits, `-` or `_`
   */
  start(name: string, input: DocumentValue): Promise<string>;
  /** The execution of an ARN, or undefined when there is none. Step Functions forgets one 90 days after its end. */
  describe(executionArn: string): Promise<ExecutionState | undefined>;
  /** Stops an execution, and the Glue job that it runs; nothing where it has ended or is forgotten. */
  stop(executionArn: string, cause: string): Promise<void>;
}

export function stepFunctionsMachine(stateMachineArn: string, client: SFNClient = stepFunctionsClient()): StateMachine {
  return {
    async start(name, input) {
      try {
        const { executionArn = '' } = await client.send(
          new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
        );
        return executionArn;
      } catch (error) {
        // While the execution runs, the same call gives it again. Once it has ended, the service refuses its name.
        if (error instanceof ExecutionAlreadyExists) return executionArnOf(stateMachineArn, name);
        throw error;
      }
    },
    async describe(executionArn) {
      try {
        const { status = '', error, cause } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return { status, error: error ?? '', cause: cause ?? '' };
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return undefined;
        throw error;
      }
    },
    async stop(executionArn, cause) {
      try {
        await client.send(new StopExecutionCommand({ executionArn, cause }));
      } catch (error) {
        if (!(error instanceof ExecutionDoesNotExist)) throw error;
      }
    },
  };
}

/** The ARN that an execution has by its name. */
export function executionArnOf(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}
