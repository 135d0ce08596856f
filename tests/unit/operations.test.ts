/** The commands of operators against the real function of the state machine of operations, over one store in memory. */
import { describe, expect, it } from '@jest/globals';
import type { DocumentValue } from '../../packages/common/src/core';
import {
  heldItem,
  memoryOperations,
  OPERATIONS,
  REGISTRY,
  registered,
  TOPIC,
} from '../../packages/cli/tests/operations/memory-operations';
import { decodeRequest } from '../../packages/operation-steps/src/request';
import { begin, drained, finish, finishFailed, type Collaborators } from '../../packages/operation-steps/src/steps';

/** A pipeline whose state machine has the real function; `delivered` are the uploads given to schema-validator again. */
function pipeline(item = registered()) {
  const delivered: DocumentValue[] = [];
  const resources = {
    tables: { operations: OPERATIONS, registry: REGISTRY },
    checkpointTable: 'acme-checkpoints',
    schemaBucket: 'acme-schemas',
  };
  const memory = memoryOperations({
    items: [item],
    perform: ({ documents, clock }) => {
      const deps: Collaborators = {
        documents,
        clock,
        invokeValidator: (event: DocumentValue) => {
          delivered.push(event);
          return Promise.resolve();
        },
      };
      return async (event) => {
        const request = decodeRequest(event);
        switch (request.action) {
          case 'begin':
            return begin(request, resources, deps);
          case 'drained':
            return drained(request.operationId, resources, deps);
          case 'cancel':
            return finish(request.operationId, { outcome: 'CANCELLED' }, resources, deps);
          case 'finish':
            if (request.outcome === 'SUCCEEDED')
              return finish(request.operationId, { outcome: 'SUCCEEDED' }, resources, deps);
            return (await finishFailed(request, resources, deps)) ?? {};
        }
      };
    },
  });
  return { ...memory, delivered };
}

const apply = (command: string): string[] => ['topic', command, TOPIC, '--apply', '--reason', 'repair'];

describe('the commands and the function of operations', () => {
  it('hold a topic, and release it to the state that it had', async () => {
    const { run, registryItem, locks } = pipeline(registered({ status: 'ERROR', error_code: 'TYPE_CHANGED' }));
    await expect(run(...apply('hold'))).resolves.toMatchObject({
      code: 0,
      output: expect.stringMatching(/is held: no writer can commit any more\n$/),
    });
    await expect(registryItem()).resolves.toMatchObject({ status: 'MAINTENANCE', epoch: 4 });
    await expect(run(...apply('release'))).resolves.toMatchObject({ code: 0 });
    await expect(registryItem()).resolves.toMatchObject({ status: 'ERROR', epoch: 4 });
    expect(await locks()).toEqual([]);
  });

  it('give an upload to schema-validator again that waited for the release', async () => {
    const upload = {
      etag: 'e',
      sequencer: '05',
      since: '2026-11-30T06:10:00.000Z',
      bytes: 9,
      at: '2026-11-30T06:10:00.000Z',
    };
    const { run, delivered } = pipeline(heldItem({}, { waiting_upload: upload }));
    expect((await run('topic', 'release', TOPIC)).output).toContain('waits     a schema upload since 06:10');
    await expect(run(...apply('release'))).resolves.toMatchObject({ code: 0 });
    expect(delivered).toHaveLength(1);
    expect(JSON.stringify(delivered)).toContain(`schemas/${TOPIC}/pending/schema.json`);
  });

  it('cancel a hold that is under way, and refuse a stale one', async () => {
    const { run, registryItem, tick, seed, operator } = pipeline();
    await run(...apply('hold'), '--detach');
    await tick();
    await expect(registryItem()).resolves.toMatchObject({ status: 'MAINTENANCE' });
    await expect(run('op', 'cancel', TOPIC)).resolves.toMatchObject({ code: 0 });
    await expect(registryItem()).resolves.toMatchObject({ status: 'READY', epoch: 4 });

    const before = { ...operator.machine };
    Object.assign(operator.machine, {
      start: (...of: Parameters<typeof before.start>) => {
        seed(REGISTRY, registered({ epoch: 9 }));
        return before.start(...of);
      },
    });
    await expect(run(...apply('hold'))).resolves.toMatchObject({
      code: 1,
      output: expect.stringContaining('PLAN_STALE'),
    });
    await expect(registryItem()).resolves.toEqual(registered({ epoch: 9 }));
  });
});
