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

/** What commands that talk to a deployed pipeline work with. */
export interface Cloud {
  readonly objects: ObjectStore;
  readonly documents: DocumentStore;
  readonly athena: Athena;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

export type Connect = (deployment: Deployment) => Cloud;

/** With the credentials and the region that the AWS SDK finds; AWS_ENDPOINT_URL leads to a local stack. */
export const awsCloud: Connect = ({ athenaWorkgroup }) => ({
  objects: s3ObjectStore(),
  documents: dynamoDocumentStore(),
  // Planning a statement over 500 columns takes Athena minutes.
  athena: retryingAthena(athena({ workgroup: athenaWorkgroup, statementTimeoutMs: 600_000 })),
  catalog: glueCatalog(),
  clock: systemClock,
});
