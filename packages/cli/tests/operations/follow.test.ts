/** What somebody sees who watches an operation. */
import { describe, expect, it } from '@jest/globals';
import { operationItem, newOperation, type Operation, type TopicName } from '@lean-ops/common/core';
import { followOperation } from '../../src/operations/follow';
import type { OperationsDeployment } from '../../src/pipeline/deployment';
import type { Operator } from '../../src/pipeline/operator';

const ID = '20261130T062500Z-rewind-ab12cd';
const OPERATION = newOperation(
  { operationId: ID, kind: 'rewind', topic: 'a.b' as TopicName, requestedBy: 'me', reason: 'why', plan: {} },
  new Date('2026-11-30T06:25:00Z'),
);

/** The steps that are told, of an operation that is found in these states one look after another. */
async function told(looks: readonly Partial<Operation>[]): Promise<string[]> {
  const left = [...looks];
  const steps: string[] = [];
  const operator = {
    documents: { get: () => Promise.resolve(operationItem({ ...OPERATION, ...left.shift() })) },
    clock: { now: () => 0, sleep: () => Promise.resolve() },
  } as unknown as Operator;
  const deployment = { operationsTable: 'operations', registryTable: 'registry' } as unknown as OperationsDeployment;
  await followOperation(ID, deployment, operator, {
    timeoutMs: 60_000,
    onStep: ({ state, step, counts }) => steps.push(`${state} ${step} ${Object.keys(counts).join()}`),
  });
  return steps;
}

const counts = { epoch: 1 };
const [DRAINED, APPLIED, DONE] = [
  { step: 'DRAINED' },
  { step: 'APPLIED', counts },
  { state: 'DONE', step: 'ENDED', counts },
] as const;

describe('watching an operation', () => {
  it('tells what was done to the tables, also where that and the end fall between two looks', async () => {
    const steps = ['RUNNING DRAINED ', 'RUNNING APPLIED epoch', 'DONE ENDED epoch'];
    await expect(told([DRAINED, DRAINED, APPLIED, DONE])).resolves.toEqual(steps);
    await expect(told([DRAINED, DONE])).resolves.toEqual(steps);
  });

  it('tells the end alone of one that is over already', async () => {
    await expect(told([DONE])).resolves.toEqual(['DONE ENDED epoch']);
  });
});
