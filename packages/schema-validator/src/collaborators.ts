import type { Athena, Catalog, Clock, DeleteIfMatch, DocumentStore, ObjectStore } from '@lean-ops/common/aws';
import type { Lake } from '@lean-ops/common/core';

export interface Collaborators {
  readonly objects: ObjectStore;
  readonly deleteIfMatch: DeleteIfMatch;
  readonly documents: DocumentStore;
  readonly athena: Athena;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

export interface Places {
  readonly lake: Lake;
  readonly registryTable: string;
}
