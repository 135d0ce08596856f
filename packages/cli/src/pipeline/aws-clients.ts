import {
  athena,
  athenaClient,
  dynamoClient,
  dynamoDocumentStore,
  glueCatalog,
  glueClient,
  retryingAthena,
  s3Client,
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

/**
 * Connects to the region that the outputs name, with the credentials that the AWS SDK finds; AWS_ENDPOINT_URL leads to a
 * local stack.
 */
export const awsCloud: Connect = ({ athenaWorkgroup, region }) => ({
  objects: s3ObjectStore(s3Client({ region })),
  documents: dynamoDocumentStore(dynamoClient({ region })),
  // Athena takes minutes to plan a statement over 500 columns.
  athena: retryingAthena(athena({ workgroup: athenaWorkgroup, statementTimeoutMs: 600_000 }, athenaClient({ region }))),
  catalog: glueCatalog(glueClient({ region })),
  clock: systemClock,
});
