import type { Log, MetricsPort } from '@lean-ops/common/aws';
import {
  isIgnoring,
  openErrorAgesStatement,
  readIgnored,
  readOpenErrorAges,
  type Document,
  type OpenErrorAges,
} from '@lean-ops/common/core';
import type { Collaborators, Resources } from './collaborators';

interface Report {
  readonly log: Log;
  readonly metrics: MetricsPort;
}

/** Whether an event is the schedule's, which asks for the numbers of the dashboard. */
export function asksForOpenErrors(event: Document): boolean {
  return event['action'] === 'count_errors';
}

/**
 * Writes how many errors are open by age, and how many causes have regressed, as metrics: one scan for what is ignored, and one
 * query. It never throws, since what the function fails on goes to a queue that is about uploads. A metric says that it failed.
 */
export async function reportOpenErrors(
  { lake, operationsTable }: Resources,
  { documents, athena, clock }: Pick<Collaborators, 'documents' | 'athena' | 'clock'>,
  { log, metrics }: Report,
): Promise<OpenErrorAges | undefined> {
  try {
    const now = clock.now();
    const marks = (await documents.scan(operationsTable)).flatMap((item) => readIgnored(item) ?? []);
    const ignored = marks.filter((mark) => isIgnoring(mark, now)).map(({ fingerprint }) => fingerprint);
    const { rows } = await athena.query(openErrorAgesStatement(lake, ignored, new Date(now)));
    const ages = readOpenErrorAges(rows);
    metrics.count('OpenErrorsOfDay', ages.day);
    metrics.count('OpenErrorsOfWeek', ages.week);
    metrics.count('OpenErrorsOlder', ages.older);
    metrics.count('ErrorsRegressed', ages.regressed);
    log.info('open errors', { ...ages, ignored: ignored.length });
    return ages;
  } catch (error) {
    log.warn('open errors not counted', { error });
    metrics.count('OpenErrorsNotCounted');
    return undefined;
  }
}
