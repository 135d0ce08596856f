import {
  CloudWatchClient,
  GetMetricDataCommand,
  paginateDescribeAlarms,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import { clientOptions, type ClientSettings } from '../client-options';

/** An alarm that has gone off. */
export interface FiringAlarm {
  readonly name: string;
  /** When it went off, in epoch milliseconds; undefined when CloudWatch does not say. */
  readonly since: number | undefined;
  readonly description: string;
}

export interface AlarmReader {
  /** The alarms in state ALARM whose names begin with the prefix. */
  firing(namePrefix: string): Promise<readonly FiringAlarm[]>;
}

/** A metric as CloudWatch names it. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface MetricReader {
  /**
   * The newest maximum of a minute within a span; undefined when the metric has no value in it.
   *
   * @param from @param to epoch milliseconds
   */
  newestMaximum(metric: MetricId, from: number, to: number): Promise<number | undefined>;
}

export function cloudWatchClient(settings: Pick<ClientSettings, 'region'> = {}): CloudWatchClient {
  return new CloudWatchClient(clientOptions({ ...settings, requestTimeoutMs: 5_000 }));
}

function firingAlarmOf(alarm: MetricAlarm): FiringAlarm {
  return {
    name: alarm.AlarmName ?? '',
    // A state can be updated without a transition, when only its reason changes.
    since: (alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.getTime(),
    description: alarm.AlarmDescription ?? '',
  };
}

export function cloudWatchAlarms(client: CloudWatchClient = cloudWatchClient()): AlarmReader {
  return {
    async firing(namePrefix) {
      const found: FiringAlarm[] = [];
      const pages = paginateDescribeAlarms({ client }, { AlarmNamePrefix: namePrefix, StateValue: 'ALARM' });
      for await (const { MetricAlarms: alarms } of pages) found.push(...(alarms ?? []).map(firingAlarmOf));
      return found;
    },
  };
}

export function cloudWatchMetrics(client: CloudWatchClient = cloudWatchClient()): MetricReader {
  return {
    async newestMaximum({ namespace, name, dimensions }, from, to) {
      const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      const { MetricDataResults: results } = await client.send(
        new GetMetricDataCommand({
          StartTime: new Date(from),
          EndTime: new Date(to),
          ScanBy: 'TimestampDescending',
          MetricDataQueries: [
            {
              Id: 'newest',
              MetricStat: {
                Metric: { Namespace: namespace, MetricName: name, Dimensions },
                Period: 60,
                Stat: 'Maximum',
              },
            },
          ],
        }),
      );
      return results?.[0]?.Values?.[0];
    },
  };
}
