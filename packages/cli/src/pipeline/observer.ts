import {
  cloudWatchAlarms,
  cloudWatchClient,
  cloudWatchMetrics,
  dynamoArchiveReader,
  dynamoClient,
  sqsQueueReader,
  stepFunctionsClient,
  stepFunctionsExecutions,
  type AlarmReader,
  type ArchiveReader,
  type ExecutionReader,
  type MetricReader,
  type QueueReader,
} from '@lean-ops/common/aws';
import { awsCloud, type Cloud } from './aws-clients';
import type { OperatedDeployment } from './deployment';

/** What the commands look at that ask how a pipeline is doing. None of it changes anything. */
export interface Observer extends Cloud {
  readonly archive: ArchiveReader;
  readonly alarms: AlarmReader;
  readonly metrics: MetricReader;
  readonly executions: ExecutionReader;
  readonly queues: QueueReader;
}

export type Observe = (deployment: OperatedDeployment) => Observer;

/** Connects as `awsCloud` does, to the services too that know how the pipeline is doing. */
export const awsObserver: Observe = (deployment) => {
  const { region, archiveTable } = deployment;
  const cloudWatch = cloudWatchClient({ region });
  return {
    ...awsCloud(deployment),
    archive: dynamoArchiveReader(archiveTable, dynamoClient({ region })),
    alarms: cloudWatchAlarms(cloudWatch),
    metrics: cloudWatchMetrics(cloudWatch),
    executions: stepFunctionsExecutions(stepFunctionsClient({ region })),
    queues: sqsQueueReader({ region }),
  };
};
