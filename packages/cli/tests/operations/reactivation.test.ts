/** An undo of an operation that made a schema active. */
import { describe, expect, it } from '@jest/globals';
import type { Operation, TopicName } from '@lean-ops/common/core';
import { memoryObjects, topicSchema } from '@lean-ops/common/testing';
import type { PlanResult, WorkPlan } from '../../src/operations/plan';
import { withReactivation } from '../../src/operations/reactivation';

const TOPIC = 'telemetry.climate' as TopicName;
const ID = '20261130T062500Z-rebuild-ab12cd';
const ARCHIVED = `schemas/${TOPIC}/archive/1-20261123T100001Z.json`;
const ACTIVE = `schemas/${TOPIC}/active/schema.json`;
const DEPLOYMENT = { schemaBucket: 'schemas' };
const undone = (plan: Operation['plan'] = { activates: true, schema_key: 'k' }): Operation =>
  ({ operationId: ID, kind: 'rebuild', topic: TOPIC, plan }) as Operation;
const planned = {
  ok: true,
  plan: { details: { undoes: ID }, basis: {}, lines: [] },
} as unknown as PlanResult<WorkPlan>;

async function bucket(metadata: Readonly<Record<string, string>>) {
  const objects = memoryObjects();
  await objects.put('schemas', ACTIVE, '{}', { metadata });
  await objects.put('schemas', ARCHIVED, JSON.stringify(topicSchema()));
  return { objects };
}

describe('the plan of an undo', () => {
  it('makes the schema before active again, by its key in the archive', async () => {
    const operator = await bucket({ operation: ID, previous: ARCHIVED });
    await expect(withReactivation(planned, undone(), DEPLOYMENT, operator)).resolves.toMatchObject({
      ok: true,
      plan: { details: { undoes: ID, activates: true, schema_key: ARCHIVED, schema_version: 1 } },
    });
  });

  it('leaves the schema alone where the operation changed none', async () => {
    const operator = await bucket({});
    await expect(withReactivation(planned, undone({}), DEPLOYMENT, operator)).resolves.toBe(planned);
  });

  it('is refused when another schema has become active since, or the one before is gone', async () => {
    const other = await bucket({ operation: 'another', previous: ARCHIVED });
    await expect(withReactivation(planned, undone(), DEPLOYMENT, other)).resolves.toMatchObject({
      refusal: { code: 'UNDO_OVERTAKEN' },
    });
    const gone = await bucket({ operation: ID, previous: 'schemas/nowhere' });
    await expect(withReactivation(planned, undone(), DEPLOYMENT, gone)).resolves.toMatchObject({
      refusal: { code: 'UNDO_GONE' },
    });
  });
});
