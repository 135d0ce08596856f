/** What an undo does with the schema: where the operation made one active, the one before becomes active again. */
import { readAcceptedSchema, schemaActivationOf, schemaKeys, type Operation } from '@lean-ops/common/core';
import { hash } from 'node:crypto';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { refused, type PlanResult, type WorkPlan } from './plan';

/**
 * Adds to the plan of an undo that the schema before becomes active again: the version in the archive that the active file names as the
 * one before. It is refused when another schema has become active since, whose rows the table before does not have.
 */
export async function withReactivation(
  result: PlanResult<WorkPlan>,
  undone: Operation,
  { schemaBucket }: Pick<OperationsDeployment, 'schemaBucket'>,
  { objects }: Pick<Operator, 'objects'>,
): Promise<PlanResult<WorkPlan>> {
  if (!result.ok || schemaActivationOf(undone) === undefined) return result;
  const { topic, operationId } = undone;
  const active = await objects.get(schemaBucket, schemaKeys.active(topic));
  const previous = active?.metadata?.['previous'] ?? '';
  if (active?.metadata?.['operation'] !== operationId || previous === '') {
    return refused(
      'UNDO_OVERTAKEN',
      `another schema of ${topic} has become active since ${operationId} made its own active`,
      `lean-ops schema status ${topic}`,
    );
  }
  const before = await objects.get(schemaBucket, previous);
  const schema = before && readAcceptedSchema(before.body);
  if (before === undefined || schema === undefined) {
    return refused('UNDO_GONE', `the schema that ${topic} had before ${operationId} is no longer at ${previous}`);
  }
  const now = readAcceptedSchema(active.body);
  const digest = hash('sha256', before.body, 'hex');
  const { plan } = result;
  return {
    ok: true,
    plan: {
      ...plan,
      details: {
        ...plan.details,
        activates: true,
        schema_key: previous,
        schema_version: schema.version,
        schema_digest: digest,
        ...(now !== undefined && { active_version: now.version }),
      },
      basis: { ...plan.basis, schema: digest.slice(0, 12) },
      lines: [...plan.lines, ['activates', `version ${schema.version} of the schema, which was active before`]],
    },
  };
}
