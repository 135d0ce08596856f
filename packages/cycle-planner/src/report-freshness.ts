import type { Log, MetricsPort } from '@lean-ops/common/aws';
import type { Freshness, FreshnessTargets } from '@lean-ops/common/core';

/** The most topics that a cycle writes a metric of by name: CloudWatch bills each name as a metric of its own. */
export const MAX_NAMED = 50;
/** The most late topics that the log line names. */
const MAX_LOGGED = 20;

/**
 * Writes the metrics of freshness: how many topics are late, how far behind the last one is, and the minutes of those topics
 * that have a target of their own or were left behind by a run. docs/decisions/0033-freshness-and-status.md has the costs.
 *
 * It never throws. A cycle goes on when its freshness cannot be told, and the log and a metric say so.
 */
export function reportFreshness(measure: () => Freshness, targets: FreshnessTargets, report: Report): void {
  try {
    writeFreshness(measure(), targets, report);
  } catch (error) {
    report.log.error('freshness not measured', { error });
    report.metrics.count('FreshnessFailed');
  }
}

interface Report {
  readonly log: Log;
  readonly metrics: MetricsPort;
}

function writeFreshness(freshness: Freshness, targets: FreshnessTargets, { log, metrics }: Report): void {
  const { late, oldestMinutes } = freshness;
  metrics.count('TopicsLate', late.length);
  metrics.count('FreshnessMinutes', Math.floor(oldestMinutes));
  for (const [topic, minutes] of namedTopics(freshness, targets)) {
    metrics.countOf({ topic_name: topic }, 'FreshnessMinutes', Math.floor(minutes));
  }
  if (late.length === 0) return;
  log.warn('topics late', {
    topics: late.length,
    oldest_minutes: Math.floor(oldestMinutes),
    first_topics: late
      .slice(0, MAX_LOGGED)
      .map(({ topic, layer, since }) => ({ topic_name: topic, layer, since: new Date(since).toISOString() })),
  });
}

/** Topics with a target of their own come first; of the others those that are behind the longest. */
function namedTopics({ topicMinutes }: Freshness, targets: FreshnessTargets): [string, number][] {
  const own = ([topic]: readonly [string, number]): boolean => Object.hasOwn(targets.topicMinutes, topic);
  return Object.entries(topicMinutes)
    .sort((a, b) => Number(own(b)) - Number(own(a)) || b[1] - a[1])
    .slice(0, MAX_NAMED);
}
