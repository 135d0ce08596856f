import {
  athena,
  dynamoDocumentStore,
  glueCatalog,
  retryingAthena,
  s3ObjectStore,
  systemClock,
  type Athena,
  type Catalog,
  type Clock,
  type DocumentStore,
  type ObjectStore,
} from '@lean-ops/common/aws';
import type { Deployment } from './deployment';

/** The services of a deployed pipeline that the commands talk to. */
export interface Cloud {
  readonly objects: ObjectStore;
  readonly documents: DocumentStore;
  readonly athena: Athena;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

export type Connect = (deployment: Deployment) => Cloud;

/** Connects with the credentials and the region that the AWS SDK finds; AWS_ENDPOINT_URL leads to a local stack. */
export const awsCloud: Connect = ({ athenaWorkgroup }) => ({
  objects: s3ObjectStore(),
  documents: dynamoDocumentStore(),
  // Athena takes minutes to plan a statement over 500 columns.
  athena: retryingAthena(athena({ workgroup: athenaWorkgroup, statementTimeoutMs: 600_000 })),
  catalog: glueCatalog(),
  clock: systemClock,
});
