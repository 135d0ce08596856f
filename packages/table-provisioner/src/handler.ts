import {
  athena,
  createLogger,
  createMetrics,
  dynamoDocumentStore,
  glueCatalog,
  glueTableVersions,
  retryingAthena,
  systemClock,
  traced,
} from '@lean-ops/common/aws';
import type { Context } from 'aws-lambda';
import { awaitRights } from './await-rights';
import { configFrom } from './config';
import { countVersions, type VersionCount } from './count-versions';
import {
  provisionSystemTables,
  provisionTopics,
  type Collaborators,
  type Resources,
  type SystemTablesResult,
  type TopicTable,
} from './provision-tables';
import { decodeRequest } from './request';

const SERVICE = 'table-provisioner';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const collaborators: Collaborators = {
  athena: retryingAthena(athena({ workgroup: config.athenaWorkgroup })),
  catalog: glueCatalog(),
  documents: dynamoDocumentStore(),
  clock: systemClock,
};
const resources: Resources = {
  lake: { databasePrefix: config.databasePrefix, bucket: config.lakeBucket },
  registryTable: config.registryTable,
  concurrency: config.concurrency,
};

/**
 * Terraform and the Standardized job invoke this synchronously, and a daily rule has the versions counted; when it throws,
 * the caller repeats the call.
 */
export const handler = traced(
  SERVICE,
  async (
    event: unknown,
    context: Context,
  ): Promise<SystemTablesResult | VersionCount | { readonly tables: readonly TopicTable[] }> => {
    log.bind(context);
    try {
      const request = decodeRequest(event);
      if (request.action === 'system') {
        // `terraform apply` calls this seconds after it has made the function's role.
        const result = await awaitRights(async () => provisionSystemTables(resources, collaborators), {
          clock: systemClock,
          onRefused: (error) => {
            log.warn('denied as yet', { error });
          },
        });
        log.info('system tables', { created: result.created, ensured: result.ensured.length });
        metrics.count('SystemTablesCreated', result.created.length);
        return result;
      }
      if (request.action === 'count-versions') return await reportVersions();
      const result = await provisionTopics(request.topics, resources, collaborators);
      const refused = result.tables.filter(({ status }) => status === 'REFUSED');
      metrics.count('TopicsRefused', refused.length);
      if (refused.length > 0) log.warn('topics refused', { refused });
      const held = result.tables.filter(({ status }) => status === 'HELD');
      if (held.length > 0) log.info('held topics left alone', { topics: held.map((one) => one.topic_name) });
      log.info('topic tables', { topics: result.tables.length, refused: refused.length, held: held.length });
      return result;
    } catch (error) {
      log.error('provisioning failed', { error });
      metrics.count('ProvisioningFailed');
      throw error;
    } finally {
      metrics.flush();
    }
  },
);

/** Counts the versions, and writes what the alarms on them look at (modules/orchestration/alarms.tf). */
async function reportVersions(): Promise<VersionCount> {
  const count = await countVersions(resources.lake, glueTableVersions());
  log.info('table versions', { ...count });
  metrics.count('LargestTableVersions', count.largest?.versions ?? 0);
  metrics.count('TotalTableVersions', count.total);
  return count;
}
