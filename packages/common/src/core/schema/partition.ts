import type { TopicSchema } from './model';
import type { SchemaProblem } from '../problem';

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

/** The name that Iceberg gives the partition field. No column of the table may have it. */
export function partitionName({ transform, column }: CuratedPartition): string {
  return `${column}_${transform}`;
}

/** @param pointer the place of the field whose column has the name of the partition */
export function partitionNameProblem(partition: CuratedPartition, pointer: string): SchemaProblem {
  const { transform, column } = partition;
  return {
    code: 'PARTITION_NAME',
    path: pointer,
    message: `${partitionName(partition)} is the name of Curated's partition by ${transform} of ${column}`,
    hint: 'rename the field at the producer, or leave it out: events may have it all the same',
  };
}
