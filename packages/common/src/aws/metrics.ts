import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Counters and timers of one invocation. `flush` writes them as one line of EMF, so no call goes over the network. */
export interface MetricsPort {
  /** Adds to a counter. Zero is a value too, as an alarm needs to see it. */
  count(name: string, value?: number): void;
  millis(name: string, value: number): void;
  /** As `count`, by further dimensions. Each set of values is a metric that CloudWatch bills, so callers bound their number. */
  countOf(dimensions: Readonly<Record<string, string>>, name: string, value: number): void;
  flush(): void;
}

/**
 * The CloudWatch namespace of the whole product. The dimensions are `service`, and `function_name`, which tells the deployments
 * of an account apart. There may be more than 700 topics, so only a few of them ever become a dimension.
 */
export const METRICS_NAMESPACE = 'lean-ops';

export function createMetrics(serviceName: string): MetricsPort {
  const name = process.env['AWS_LAMBDA_FUNCTION_NAME'];
  const defaultDimensions = name === undefined ? {} : { function_name: name };
  const metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName, defaultDimensions });
  return {
    count: (name, value = 1) => void metrics.addMetric(name, MetricUnit.Count, value),
    countOf: (dimensions, name, value) => {
      const single = metrics.singleMetric();
      single.addDimensions({ ...dimensions });
      single.addMetric(name, MetricUnit.Count, value);
    },
    millis: (name, value) => void metrics.addMetric(name, MetricUnit.Milliseconds, value),
    flush: () => void metrics.publishStoredMetrics(),
  };
}
