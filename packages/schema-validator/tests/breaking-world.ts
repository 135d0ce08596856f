/** Schemas that break the active one, and what the state machine and the Glue job do with the operation that their upload asks for. */
import { expect } from '@jest/globals';
import { advanceOperation } from '@lean-ops/common/aws';
import {
  beginOperation,
  checkSchema,
  curatedTable,
  finishOperation,
  markDrained,
  type Document,
  type JsonObject,
  type TopicName,
} from '@lean-ops/common/core';
import { interruption, withField } from '@lean-ops/common/testing';
import { activateByOperation } from '../src/activate-schema';
import type { Collaborators } from '../src/collaborators';
import { rebuildOf } from '../src/rebuild-request';
import type { Upload } from '../src/upload';
import { BUCKET, RESOURCES, world, type World } from './world';

export const TOPIC = 'telemetry.climate' as TopicName;
export const TABLES = { operations: 'operations', registry: 'registry' };
export const REASON = { 'x-breaking': true, 'x-breaking-reason': 'the sensor sends words now' };
export const first: JsonObject = { ...withField('level', { type: 'number' }), 'x-version': 1 };
export const breaking: JsonObject = { ...withField('level', { type: 'string' }), 'x-version': 2, ...REASON };
export const withoutReason: JsonObject = { ...withField('level', { type: 'string' }), 'x-version': 2 };
export const third: JsonObject = { ...withField('more', { type: 'number' }, breaking), 'x-version': 3 };

export const keyOf = (plan: Document | undefined): string => {
  const key = plan?.['schema_key'];
  return typeof key === 'string' ? key : '';
};

export async function active(schema: JsonObject): Promise<World> {
  const w = world();
  await w.run(await w.upload(schema));
  return w;
}

export const always = (w: World): Collaborators => w.through(interruption(Infinity, 'before'));

/** What the state machine and the Glue job do with an operation. */
export function machineOf(w: World) {
  const now = () => new Date(w.clock.now());
  const advance = (id: string, decide: Parameters<typeof advanceOperation>[4]) =>
    advanceOperation(w.documents, TABLES, id, now, decide);
  const step = (id: string, name: string) =>
    w.documents.update('operations', { operation_id: id }, { set: { step: name } });
  return {
    advance,
    /** Up to the swap: the tables are as the schema says, and the schema is not active yet. */
    async toApplied(id: string): Promise<void> {
      const begun = await advance(id, (facts) => beginOperation(facts, 'execution-1'));
      if (begun.step === 'BUILDING') {
        await step(id, 'BUILT');
        await advance(id, (facts) => beginOperation(facts, 'execution-1'));
      }
      const { plan } = await advance(id, markDrained);
      const text = (await w.objects.get(BUCKET, keyOf(plan)))?.body ?? '';
      const check = checkSchema(text, { topic: TOPIC });
      if (!check.ok) throw new Error(check.problems[0]?.message);
      const { columns } = curatedTable(RESOURCES.lake, 'telemetry_climate', check.schema);
      w.warehouse.tables.set('lean_ops_curated.telemetry_climate', [...columns]);
      await step(id, 'APPLIED');
    },
    activate: (id: string, deps = always(w)) => activateByOperation(id, BUCKET, RESOURCES, deps),
    finish: (id: string) => advance(id, (facts) => finishOperation(facts, { outcome: 'SUCCEEDED' })),
    cancel: (id: string) => advance(id, (facts) => finishOperation(facts, { outcome: 'CANCELLED' })),
  };
}

export async function asked(w: World, schema: JsonObject = breaking): Promise<{ upload: Upload; id: string }> {
  const upload = await w.upload(schema);
  const id = rebuildOf(upload);
  await expect(w.run(upload)).resolves.toEqual({ outcome: 'PENDING_REBUILD', operation: id });
  return { upload, id };
}
