/**
 * Registers topics as schema-validator does, by its own code, but for two things that take a second each: the tables are
 * made by make_tables.py from the same DDL, and drift_log gets no rows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deploymentFrom } from '../../packages/cli/src/pipeline/deployment';
import { dynamoDocumentStore } from '../../packages/common/src/aws/documents';
import { s3ObjectStore } from '../../packages/common/src/aws/objects';
import { claimTable } from '../../packages/common/src/aws/table-ownership';
import {
  checkSchema,
  checkTopic,
  createTable,
  curatedTable,
  schemaKeys,
  standardizedTable,
  type Lake,
} from '../../packages/common/src/core';
import { factsOf } from '../../packages/schema-validator/src/activation';
import { UploadRegistry } from '../../packages/schema-validator/src/upload-registry';
import type { Upload } from '../../packages/schema-validator/src/upload';
import { connect } from '../../scripts/local/clients';
import type { Stack } from '../../scripts/local/stack';
import type { BenchTopic, Field } from './topics';

const CONCURRENCY = 16;

/** A topic in the form in which the Python scripts read it. */
interface PlannedTopic {
  readonly topic: string;
  readonly table: string;
  readonly fields: readonly Field[];
  /** Athena's statements for the two tables. */
  readonly ddl: { readonly standardized: string; readonly curated: string };
}

/**
 * Registers the topics.
 *
 * @returns the file from which the Python scripts read the prefix, the lake and the topics
 */
export async function registerTopics(stack: Stack, topics: readonly BenchTopic[]): Promise<string> {
  const read = deploymentFrom(stack.outputs);
  if (!read.ok) throw new Error(read.problems.join('; '));
  const { lake, registryTable, schemaBucket } = read.deployment;
  const { s3, dynamodb } = connect(stack);
  const objects = s3ObjectStore(s3);
  const documents = dynamoDocumentStore(dynamodb);
  const planned: PlannedTopic[] = [];
  const queue = [...topics.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [at, topic] = next;
      planned[at] = await register(topic);
    }
  };
  const register = async ({ topic: name, fields, schema }: BenchTopic): Promise<PlannedTopic> => {
    const checked = checkTopic(name);
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    const check = checked.ok ? checkSchema(text, { topic: checked.topic }) : undefined;
    if (!checked.ok || check?.ok !== true) throw new Error(`${name}: ${JSON.stringify(check)}`);
    const { topic } = checked;
    const ownership = await claimTable(documents, registryTable, topic);
    if (!ownership.owned) throw new Error(`${ownership.tableName} is ${ownership.owner}'s`);
    const at = new Date();
    const sequencer = at.getTime().toString(16).toUpperCase().padEnd(32, '0');
    const key = schemaKeys.active(topic);
    const { etag = '' } = await objects.put(schemaBucket, key, text, {
      onlyIfAbsent: true,
      metadata: { sequencer, 'uploaded-at': at.toISOString(), previous: '' },
    });
    const upload: Upload = { topic, bucket: schemaBucket, key, etag, bytes: text.length, sequencer, at };
    const registry = new UploadRegistry(documents, registryTable, upload, () => at);
    const { tableName } = ownership;
    const ready =
      (await registry.claim()) === 'OURS' && (await registry.settleReady(factsOf(topic, etag, upload, check.schema)));
    if (!ready) throw new Error(`${topic} could not be registered`);
    return { topic, table: tableName, fields, ddl: ddlOf(lake, tableName, fields, check.schema) };
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const file = path.join(stack.paths.dir, 'bench', 'plan.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ prefix: lake.databasePrefix, lake: lake.bucket, topics: planned }));
  return file;
}

/** The Standardized table with the columns that its first events would have added, in the job's order, by name. */
function ddlOf(
  lake: Lake,
  table: string,
  fields: readonly Field[],
  schema: Parameters<typeof curatedTable>[2],
): PlannedTopic['ddl'] {
  const born = standardizedTable(lake, table);
  const payload = fields.map((field) => field.path.join('__')).sort();
  const columns = [...born.columns, ...payload.map((name) => ({ name, type: 'string' }))];
  return {
    standardized: createTable({ ...born, columns }),
    curated: createTable(curatedTable(lake, table, schema)),
  };
}
