import { gunzipSync } from 'node:zlib';
import { GetTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { KEPT_METADATA_FILES } from '../../../packages/common/src/core';
import { databases } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { cycle, freshTopic, send, tableOf, theStack } from '../stack';

const stack = theStack();
const config = { endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS };
const glue = new GlueClient(config);
const s3 = new S3Client({ ...config, forcePathStyle: true });

interface Metadata {
  readonly properties: Readonly<Record<string, string>>;
  readonly 'metadata-log': readonly unknown[];
}

async function metadataOf(database: string, table: string): Promise<Metadata> {
  const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: table }));
  const { Bucket, Key } = placeOf(Table?.Parameters?.['metadata_location'] ?? '');
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  // The library packs the metadata of its own tables, and Firehose does not that of RAW.
  return JSON.parse(
    (Key.endsWith('.gz.metadata.json') ? gunzipSync(bytes) : Buffer.from(bytes)).toString(),
  ) as Metadata;
}

async function metadataFiles(database: string, table: string): Promise<number> {
  const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: table }));
  const { Bucket, Key } = placeOf(Table?.Parameters?.['metadata_location'] ?? '');
  const Prefix = Key.slice(0, Key.lastIndexOf('/') + 1);
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  return (Contents ?? []).filter((object) => object.Key?.endsWith('.metadata.json')).length;
}

function placeOf(uri: string): { readonly Bucket: string; readonly Key: string } {
  const { host, pathname } = new URL(uri);
  return { Bucket: host, Key: pathname.slice(1) };
}

describe('what commits leave behind', () => {
  it('is few metadata files of RAW, of the tables of _ops and of topics, as the jobs ask of them on the catalog', async () => {
    const db = databases(stack);
    const topic = freshTopic('growing');
    await send(stack, `{"topic_name":"${topic}","payload":{"n":1}}`);
    await cycle(stack);
    const tables: readonly (readonly [string, string])[] = [
      [db.raw, 'events'],
      [db.ops, 'cycle_delta'],
      [db.ops, 'drift_log'],
      [db.ops, 'ledger'],
      [db.standardized, tableOf(topic)],
    ];
    for (const [database, table] of tables) {
      const { properties, 'metadata-log': log } = await metadataOf(database, table);
      expect({ table, ...properties }).toMatchObject({
        table,
        'write.metadata.delete-after-commit.enabled': 'true',
        'write.metadata.previous-versions-max': String(KEPT_METADATA_FILES),
      });
      expect(log.length).toBeLessThanOrEqual(KEPT_METADATA_FILES);
    }
    expect(await metadataFiles(db.standardized, tableOf(topic))).toBeLessThanOrEqual(KEPT_METADATA_FILES + 1);
  });

  it('is versions in the catalog, which the deployed function counts with the rights that it has', async () => {
    const { Payload, FunctionError } = await new LambdaClient(config).send(
      new InvokeCommand({
        FunctionName: 'lean-ops-table-provisioner',
        Payload: JSON.stringify({ action: 'count-versions' }),
      }),
    );
    const answer = JSON.parse(Buffer.from(Payload ?? []).toString()) as {
      readonly tables: number;
      readonly total: number;
      readonly largest: { readonly table: string; readonly versions: number };
    };
    expect({ FunctionError, answer }).toMatchObject({ FunctionError: undefined });
    // RAW, five tables of _ops, and those of topics. Each has its present version.
    expect(answer.tables).toBeGreaterThan(6);
    expect(answer.total).toBeGreaterThan(answer.tables);
    expect(answer.largest.versions).toBeGreaterThan(1);
  });
});
