import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Counters and timers of one invocation; `flush` writes them as one EMF line, so nothing is called over the network. */
export interface MetricsPort {
  /** Zero is a value too: an alarm needs to see it. */
  count(name: string, value?: number): void;
  millis(name: string, value: number): void;
  flush(): void;
}

/** CloudWatch namespace of the whole product; the dimension is `service`. Topics (700+) are never a dimension. */
export const METRICS_NAMESPACE = 'lean-ops';

export function createMetrics(serviceName: string, namespace: string = METRICS_NAMESPACE): MetricsPort {
  const metrics = new Metrics({ namespace, serviceName });
  return {
    count: (name, value = 1) => void metrics.addMetric(name, MetricUnit.Count, value),
    millis: (name, value) => void metrics.addMetric(name, MetricUnit.Milliseconds, value),
    flush: () => void metrics.publishStoredMetrics(),
  };
}
