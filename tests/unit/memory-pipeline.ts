/** A pipeline in memory that `lean-ops` talks to. The real schema-validator handles the uploads. */
import { fakeClock } from '../../packages/common/src/testing';
import type { ObjectStore } from '../../packages/common/src/aws';
import type { Connect } from '../../packages/cli/src/pipeline/aws-clients';
import { OUTPUTS } from '../../packages/cli/tests/workspace';
import { endUpload, processUpload, type Outcome } from '../../packages/schema-validator/src/process-upload';
import type { Upload } from '../../packages/schema-validator/src/upload';
import { bareEtag, isTopicName, topicOfPendingKey, TRIES_ENDED } from '../../packages/common/src/core';
import {
  memoryDeleteIfMatch,
  memoryDocuments,
  memoryObjects,
  memoryWarehouse,
} from '../../packages/common/src/testing';

export const BUCKET = OUTPUTS.schema_bucket;
const REGISTRY = OUTPUTS.schema_registry_table;
const OPERATIONS = 'acme-operations';

export function pipeline() {
  const time = fakeClock();
  const memory = memoryObjects({}, () => time.now());
  const documents = memoryDocuments({ [REGISTRY]: ['topic_name'], [OPERATIONS]: ['operation_id'] });
  const warehouse = memoryWarehouse();
  /** Events that S3 has sent and that were not handled yet. */
  const events: Upload[] = [];
  const outcomes: (Outcome & { topic: string })[] = [];
  let sequencer = 0;

  const objects: ObjectStore = {
    ...memory,
    async put(bucket, key, body, options) {
      const put = await memory.put(bucket, key, body, options);
      const topic = topicOfPendingKey(key);
      if (topic !== undefined) {
        sequencer += 1;
        events.push({
          topic,
          bucket,
          key,
          etag: bareEtag(put.etag ?? ''),
          bytes: Buffer.byteLength(body),
          sequencer: String(sequencer).padStart(32, '0'),
          at: new Date(time.now()),
        });
      }
      return put;
    },
  };
  const resources = {
    lake: { databasePrefix: 'acme', bucket: OUTPUTS.lake_bucket },
    registryTable: REGISTRY,
    operationsTable: OPERATIONS,
  };
  const collaborators = {
    objects: memory,
    deleteIfMatch: memoryDeleteIfMatch(memory),
    documents,
    athena: warehouse,
    catalog: warehouse,
    clock: fakeClock(),
    machine: { start: (name: string) => Promise.resolve(`arn:${name}`) },
  };
  const handle = async (event: Upload): Promise<void> => {
    const outcome = await processUpload(event, resources, collaborators);
    outcomes.push({ ...outcome, topic: event.topic });
  };
  /** What happens to an upload when all tries to handle it failed. */
  const end = async (event: Upload): Promise<void> => {
    const problem = { code: TRIES_ENDED, path: '', message: 'the last try ended', hint: 'upload it again' };
    outcomes.push({ ...(await endUpload(event, problem, resources, collaborators)), topic: event.topic });
  };

  const world = {
    time,
    objects: memory,
    documents,
    warehouse,
    events,
    outcomes,
    handle,
    end,
    /** Called while the command sleeps. By default it handles all events in order. */
    meanwhile: async (): Promise<void> => {
      for (let event = events.shift(); event !== undefined; event = events.shift()) await handle(event);
    },
    uploads: (): string[] => memory.journal.filter((line) => /^put .*\/pending\//.test(line)),
    seedItem: (item: { topic_name: string; [attribute: string]: string | number | boolean }): void =>
      documents.seed(REGISTRY, item),
    item: (topic: string) => documents.get(REGISTRY, { topic_name: topic }),
    text: (topic: string, file: string): string | undefined =>
      memory.objects.get(`s3://${BUCKET}/schemas/${topic}/${file}`)?.body,
    put: async (topic: string, file: string, body: string): Promise<void> => {
      await memory.put(BUCKET, `schemas/${isTopicName(topic) ? topic : ''}/${file}`, body);
    },
    /** A test replaces this to make a service fail. */
    port: objects,
    documentsPort: documents,
    connect: (() => undefined) as unknown as Connect,
  };
  world.connect = () => ({
    objects: world.port,
    documents: world.documentsPort,
    athena: warehouse,
    catalog: warehouse,
    clock: {
      now: () => time.now(),
      sleep: async (milliseconds) => {
        await time.sleep(milliseconds);
        await world.meanwhile();
      },
    },
  });
  return world;
}
