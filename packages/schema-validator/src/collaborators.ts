import type {
  Athena,
  Catalog,
  Clock,
  DeleteIfMatch,
  DocumentStore,
  ObjectStore,
  StateMachine,
} from '@lean-ops/common/aws';
import type { Lake } from '@lean-ops/common/core';

export interface Collaborators {
  readonly objects: ObjectStore;
  readonly deleteIfMatch: DeleteIfMatch;
  readonly documents: DocumentStore;
  readonly athena: Athena;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** The state machine of operations, which rebuilds a table under a schema that breaks the one before. */
  readonly machine: Pick<StateMachine, 'start'>;
}

/** The names of what schema-validator reads and writes, besides the schema bucket, which each event names. */
export interface Resources {
  readonly lake: Lake;
  readonly registryTable: string;
  readonly operationsTable: string;
}
