import { randomBytes } from 'node:crypto';
import {
  callerArn,
  lambdaInvokeClient,
  lambdaInvokeFunction,
  sqsQueue,
  sqsSendClient,
  stsClient,
  systemRandom,
  type InvokeFunction,
  type MessageQueue,
} from '@lean-ops/common/aws';
import type { OperatedDeployment } from './deployment';
import { awsObserver, type Observer } from './observer';

/** The services of the commands that send dead letters again, and discard them. */
export interface Redeliverer extends Observer {
  /** The ingest queue. */
  readonly ingest: MessageQueue;
  /** stream-error-reader, which puts into the stream again what Firehose could not deliver. */
  readonly streamErrors: InvokeFunction;
  /** The ARN of whoever runs the command. */
  readonly caller: () => Promise<string>;
  /** Six random hexadecimal digits, for a new operation's id. */
  readonly hex: () => string;
  /** A random number, uniform in [0, 1). */
  readonly random: () => number;
  /** Begins to listen for Ctrl-C. */
  readonly interruption: () => Interruption;
}

/** The first Ctrl-C asks for an end after what is under way; the second ends the process at once. */
export interface Interruption {
  readonly asked: () => boolean;
  /** Listens no longer. */
  readonly end: () => void;
}

export type Redeliver = (deployment: OperatedDeployment) => Redeliverer;

/** Connects as `awsObserver` does, and to the queue and the function that letters are sent to. */
export const awsRedeliverer: Redeliver = (deployment) => {
  const { region, ingestQueueUrl, namePrefix } = deployment;
  return {
    ...awsObserver(deployment),
    ingest: sqsQueue({ url: ingestQueueUrl }, sqsSendClient({ region })),
    streamErrors: lambdaInvokeFunction(`${namePrefix}-stream-error-reader`, lambdaInvokeClient({ region })),
    caller: () => callerArn(stsClient({ region })),
    hex: () => randomBytes(3).toString('hex'),
    random: systemRandom,
    interruption: processInterruption,
  };
};

function processInterruption(): Interruption {
  let asked = false;
  const onSignal = (): void => {
    asked = true;
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  return {
    asked: () => asked,
    end: () => {
      process.removeListener('SIGINT', onSignal);
      process.removeListener('SIGTERM', onSignal);
    },
  };
}
