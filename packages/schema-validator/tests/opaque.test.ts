/** What the registry is told of paths that are kept as sent. */
import { describe, expect, it } from '@jest/globals';
import { requestOperation } from '@lean-ops/common/aws';
import { newOperation, schemaKeys, type JsonObject } from '@lean-ops/common/core';
import { topicSchema, withField } from '@lean-ops/common/testing';
import { first, machineOf, TABLES, TOPIC } from './breaking-world';
import { BUCKET, world, type World } from './world';

const opaque: JsonObject = withField('raw', { type: 'object', 'x-flatten': false, 'x-renamed-from': 'old.raw' });

/** A world in which a run has replaced the active file and died before it told anybody. */
async function activatedAndDied(schema: JsonObject): Promise<World> {
  const w = world();
  await w.objects.put(BUCKET, schemaKeys.active(TOPIC), JSON.stringify(schema), {
    metadata: { sequencer: '0000', 'uploaded-at': '2026-11-23T09:00:00Z', previous: '' },
  });
  return w;
}

/** The next upload, which is refused, puts on record what is active. */
const next = async (w: World): Promise<unknown> => w.run(await w.upload({ ...topicSchema(), 'x-topic': 'another' }));

describe('the opaque columns of an active schema', () => {
  it('are in the registry with its other facts, and in drift_log', async () => {
    const w = await activatedAndDied({ ...opaque, 'x-version': 3 });
    await next(w);
    expect(await w.item()).toMatchObject({ schema_version: 3, opaque_columns: ['old__raw', 'raw'] });
    expect(w.warehouse.driftRows.filter((row) => row.includes("'FLATTENING_CHANGED', 'raw'"))).toHaveLength(1);
  });

  it('are no attribute at all where there are none', async () => {
    const w = await activatedAndDied({ ...first });
    await next(w);
    expect(await w.item()).toMatchObject({ schema_version: 1 });
    expect(await w.item()).not.toHaveProperty('opaque_columns');
  });

  it('go with the schema in whose place an operation puts another one', async () => {
    const w = await activatedAndDied({ ...opaque, 'x-version': 3 });
    await next(w);
    const key = `schemas/${TOPIC}/operations/one.json`;
    await w.objects.put(BUCKET, key, JSON.stringify(first));
    const id = '20261123T110000Z-undo-000001';
    const asked = { operationId: id, kind: 'undo', topic: TOPIC, requestedBy: 'arn:aws:iam::1:user/ada' } as const;
    const plan = { activates: true, schema_key: key };
    const operation = newOperation({ ...asked, reason: 'back', plan }, new Date('2026-11-23T11:00:00Z'));
    await requestOperation(w.documents, TABLES, operation);
    const machine = machineOf(w);
    await machine.toApplied(id);
    expect(await w.item()).toHaveProperty('opaque_columns');
    await machine.activate(id);
    expect(await w.item()).toMatchObject({ schema_version: 1 });
    expect(await w.item()).not.toHaveProperty('opaque_columns');
  });
});
