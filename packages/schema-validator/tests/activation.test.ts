/** Schemas that a command gave, or an undo: an operation makes them active, and no upload brought them. */
import { describe, expect, it } from '@jest/globals';
import { requestOperation } from '@lean-ops/common/aws';
import { newOperation, type Document, type Operation } from '@lean-ops/common/core';
import { withField } from '@lean-ops/common/testing';
import { active, breaking, first, keyOf, machineOf, TABLES, TOPIC } from './breaking-world';
import { BUCKET, type World } from './world';

describe('a schema that a command gave', () => {
  const operation = (kind: 'rebuild' | 'undo', key: string, hex: string): Operation =>
    newOperation(
      {
        operationId: `20261123T110000Z-${kind}-${hex}`,
        kind,
        topic: TOPIC,
        requestedBy: 'arn:aws:iam::1:user/ada',
        reason: 'a new sensor',
        plan: { activates: true, schema_key: key },
      },
      new Date('2026-11-23T11:00:00Z'),
    );

  async function through(w: World, one: Operation): Promise<void> {
    await requestOperation(w.documents, TABLES, one);
    const machine = machineOf(w);
    await machine.toApplied(one.operationId);
    await machine.activate(one.operationId);
    await machine.finish(one.operationId);
  }

  it('comes after the uploads that are on record, and before the next one; an undo makes the one before active again', async () => {
    const w = await active(first);
    const key = `schemas/${TOPIC}/operations/one.json`;
    await w.objects.put(BUCKET, key, JSON.stringify(breaking));
    await through(w, operation('rebuild', key, '000001'));
    expect(await w.item()).toMatchObject({ schema_version: 2, status: 'READY' });
    const { previous, operation: by } =
      w.objects.objects.get(`s3://${BUCKET}/schemas/${TOPIC}/active/schema.json`)?.metadata ?? {};
    expect(by).toBe('20261123T110000Z-rebuild-000001');
    await through(w, operation('undo', previous ?? '', '000002'));
    expect(await w.item()).toMatchObject({ schema_version: 1, status: 'READY' });
    expect(w.body(`${TOPIC}/active/schema.json`)).toEqual(first);
    const back = w.warehouse.driftRows.filter((row) => row.includes("'TYPE_CHANGED', 'level'"));
    expect(back).toHaveLength(2);
    const next = { ...withField('more', { type: 'number' }, first), 'x-version': 3 };
    await expect(w.run(await w.upload(next))).resolves.toMatchObject({ outcome: 'READY', version: 3 });
    expect(await w.item()).toMatchObject({ schema_version: 3, status: 'READY' });
    expect(w.warehouse.driftRows.some((row) => row.includes("'COLUMN_ADDED', 'more'"))).toBe(true);
  });

  it('is not made active by an operation that does not have the topic, nor before its tables are done', async () => {
    const w = await active(first);
    const one = operation('rebuild', `schemas/${TOPIC}/operations/one.json`, '000001');
    await w.objects.put(BUCKET, keyOf(one.plan), JSON.stringify(breaking));
    await requestOperation(w.documents, TABLES, one);
    const machine = machineOf(w);
    await expect(machine.activate(one.operationId)).rejects.toMatchObject({ code: 'ACTIVATION_NOT_DUE' });
    await machine.toApplied(one.operationId);
    await w.documents.update('registry', { topic_name: TOPIC }, { set: { status: 'READY' } });
    await expect(machine.activate(one.operationId)).rejects.toMatchObject({ code: 'ACTIVATION_NOT_DUE' });
    expect(w.body(`${TOPIC}/active/schema.json`)).toEqual(first);
  });

  it('is not made active where its text is another one than the tables were built by', async () => {
    const w = await active(first);
    const key = `schemas/${TOPIC}/operations/one.json`;
    await w.objects.put(BUCKET, key, JSON.stringify(breaking));
    const one = operation('rebuild', key, '000001');
    const plan: Document = { ...one.plan, schema_digest: '00' };
    await requestOperation(w.documents, TABLES, { ...one, plan });
    await machineOf(w).toApplied(one.operationId);
    await expect(machineOf(w).activate(one.operationId)).rejects.toMatchObject({ code: 'ACTIVATION_REFUSED' });
  });
});
