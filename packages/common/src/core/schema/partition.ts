import type { TopicSchema } from './model';

/** The one field that a topic's Curated table is partitioned by. */
export interface CuratedPartition {
  readonly transform: 'day' | 'bucket';
  readonly column: string;
}

/** Partitions Curated by the day it happened, where the schema promises a column that holds it, else by the key. */
export function curatedPartition({
  eventTime,
  eventTimeStable,
}: Pick<TopicSchema, 'eventTime' | 'eventTimeStable'>): CuratedPartition {
  if (eventTime !== undefined) return { transform: 'day', column: eventTime };
  if (eventTimeStable) return { transform: 'day', column: 'event_time' };
  return { transform: 'bucket', column: 'idempotency_key' };
}

/**
 * The names that Iceberg gives the partition field of a topic's Curated table, whichever version made it: a promise of
 * x-event-time-stable may be given or taken back later, and the table keeps its partition. No column may have one of them.
 *
 * @param eventTime the column of the declared event time, which never changes
 */
export function partitionNames(eventTime: string | undefined): ReadonlySet<string> {
  const made = [
    { eventTime, eventTimeStable: false },
    { eventTime: undefined, eventTimeStable: true },
    { eventTime: undefined, eventTimeStable: false },
  ];
  return new Set(made.map(curatedPartition).map(({ transform, column }) => `${column}_${transform}`));
}
