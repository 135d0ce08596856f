import { GetTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { CopyObjectCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { connect, databases } from '../../../scripts/local/clients';
import { CREDENTIALS, endpointOf, REGION } from '../../../scripts/local/emulator-process';
import { pushSchema } from '../../../scripts/local/sample-schemas';
import { cycle, freshTopic, rows, send, tableOf, theStack } from '../stack';

const stack = theStack();

const schemaOf = (topic: string): string =>
  JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Isolation',
    type: 'object',
    'x-topic': topic,
    'x-version': 1,
    properties: { n: { type: 'integer', 'x-cde': true } },
  });

/** Runs `work` while a topic's Standardized table cannot be read: its newest metadata file is set aside. */
async function withBrokenTable(topic: string, work: () => Promise<void>): Promise<void> {
  const { s3 } = connect(stack);
  const glue = new GlueClient({ endpoint: endpointOf(stack.port), region: REGION, credentials: CREDENTIALS });
  const { Table: table } = await glue.send(
    new GetTableCommand({ DatabaseName: databases(stack).standardized, Name: tableOf(topic) }),
  );
  const [, bucket = '', key = ''] =
    /^s3a?:\/\/([^/]+)\/(.+)$/.exec(table?.Parameters?.['metadata_location'] ?? '') ?? [];
  const aside = `${key}.aside`;
  const move = async (from: string, to: string): Promise<void> => {
    await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: `${bucket}/${from}` }));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: from }));
  };
  await move(key, aside);
  try {
    await work();
  } finally {
    await move(aside, key);
  }
}

const values = (topic: string, layer: string) => rows(stack, `SELECT n FROM {${layer}}."${tableOf(topic)}" ORDER BY n`);

describe('a topic that fails', () => {
  it('is reported and caught up later; the others reach Curated in the same cycle', async () => {
    const broken = freshTopic('broken');
    const sound = freshTopic('sound');
    await send(stack, `{"topic_name":"${broken}","payload":{"n":1}}`);
    await cycle(stack); // makes its table
    await pushSchema(stack, broken, schemaOf(broken));
    await pushSchema(stack, sound, schemaOf(sound));
    await send(stack, `{"topic_name":"${broken}","payload":{"n":2}}`);
    await send(stack, `{"topic_name":"${sound}","payload":{"n":3}}`);

    await withBrokenTable(broken, async () => {
      await expect(cycle(stack)).rejects.toThrow(/Standardized failed: 1 topic failed: e2e\.isolation\.broken/);
      expect(await values(sound, 'curated')).toEqual([{ n: '3' }]);
    });
    const failed = await rows(
      stack,
      `SELECT layer, status, error FROM {ops}."ledger" WHERE topic_name = '${broken}' AND status <> 'SUCCEEDED'`,
    );
    expect(failed).toContainEqual(expect.objectContaining({ layer: 'standardized', status: 'FAILED' }));

    const caughtUp = await cycle(stack);
    expect(caughtUp.reason).toBe('CATCH_UP');
    expect(await values(broken, 'standardized')).toEqual([{ n: '1' }, { n: '2' }]);
    expect(await values(broken, 'curated')).toEqual([{ n: '1' }, { n: '2' }]);
  });
});
