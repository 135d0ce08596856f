import { randomBytes } from 'node:crypto';
import {
  callerArn,
  glueClient,
  glueTableListing,
  stepFunctionsClient,
  stepFunctionsMachine,
  stsClient,
  type StateMachine,
  type TableListing,
} from '@lean-ops/common/aws';
import { awsCloud, type Cloud } from './aws-clients';
import type { OperationsDeployment } from './deployment';

/** The services of the commands that hold topics, and see to operations. */
export interface Operator extends Cloud {
  /** The state machine that operations run on. */
  readonly machine: StateMachine;
  /** The tables of a database of the lake. */
  readonly tables: TableListing;
  /** The ARN of whoever runs the command. */
  readonly caller: () => Promise<string>;
  /** Six random hexadecimal digits, for a new operation's id. */
  readonly hex: () => string;
}

export type Operate = (deployment: OperationsDeployment) => Operator;

/** Connects as `awsCloud` does, and to the state machine of operations. */
export const awsOperator: Operate = (deployment) => {
  const { region, operationMachineArn } = deployment;
  return {
    ...awsCloud(deployment),
    machine: stepFunctionsMachine(operationMachineArn, stepFunctionsClient({ region })),
    tables: glueTableListing(glueClient({ region })),
    caller: () => callerArn(stsClient({ region })),
    hex: () => randomBytes(3).toString('hex'),
  };
};
