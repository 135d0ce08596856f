import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AthenaStatementError, systemTables } from '@lean-ops/common/core';
import { budget, fakeClock, memoryDocuments, memoryWarehouse } from '@lean-ops/common/testing';
import { provisionSystemTables, provisionTopics, type Resources } from '../src/provision-tables';
import { decodeRequest, MAX_TOPICS } from '../src/request';

const RESOURCES: Resources = {
  lake: { databasePrefix: 'lean_ops', bucket: 'lean-ops-lake' },
  registryTable: 'registry',
  concurrency: 4,
};

function world() {
  const warehouse = memoryWarehouse();
  const documents = memoryDocuments({ registry: ['topic_name'] });
  return { warehouse, documents, deps: { athena: warehouse, catalog: warehouse, documents, clock: fakeClock() } };
}

describe('provisionSystemTables', () => {
  it('makes RAW and the tables of _ops once, and says which', async () => {
    const { deps, warehouse } = world();
    const names = systemTables(RESOURCES.lake).map(({ database, table }) => `${database}.${table}`);
    await expect(provisionSystemTables(RESOURCES, deps)).resolves.toEqual({ created: names, ensured: [] });
    await expect(provisionSystemTables(RESOURCES, deps)).resolves.toEqual({ created: [], ensured: names });
    expect(warehouse.statements).toHaveLength(names.length);
  });

  it('adds the columns that a table from an earlier release lacks', async () => {
    const { deps, warehouse } = world();
    await provisionSystemTables(RESOURCES, deps);
    warehouse.tables.get('lean_ops_ops.parse_errors')?.pop();
    warehouse.tables.get('lean_ops_ops.ledger')?.splice(-3);
    await provisionSystemTables(RESOURCES, deps);
    expect(warehouse.statements.slice(-2)).toEqual([
      'ALTER TABLE `lean_ops_ops`.`parse_errors` ADD COLUMNS (`resolution` string)',
      'ALTER TABLE `lean_ops_ops`.`ledger` ADD COLUMNS (`forgotten` bigint, `replayed` bigint, `noted` bigint)',
    ]);
  });

  it('does not touch a table whose columns have other types', async () => {
    const { deps, warehouse } = world();
    warehouse.tables.set('lean_ops_ops.ledger', [{ name: 'records_in', type: 'string' }]);
    await expect(provisionSystemTables(RESOURCES, deps)).rejects.toMatchObject({ code: 'TABLE_CONFLICT' });
  });
});

describe('provisionTopics', () => {
  it('makes a Standardized table and a registry item for each topic', async () => {
    const { deps, warehouse, documents } = world();
    const { tables } = await provisionTopics(['a.b', 'c', 'a.b'], RESOURCES, deps);
    expect(tables).toEqual([
      { topic_name: 'a.b', table_name: 'a_b', status: 'READY' },
      { topic_name: 'c', table_name: 'c', status: 'READY' },
    ]);
    expect([...warehouse.tables.keys()].sort()).toEqual(['lean_ops_standardized.a_b', 'lean_ops_standardized.c']);
    await expect(documents.get('registry', { topic_name: 'a.b' })).resolves.toEqual({
      topic_name: 'a.b',
      table_name: 'a_b',
      processing_enabled: false,
      status: 'READY',
      updated_at: '2026-11-23T10:00:02.000Z',
    });
  });

  it('refuses a second topic of one table and an illegal name, and makes the others', async () => {
    const { deps } = world();
    await provisionTopics(['a.b'], RESOURCES, deps);
    const { tables } = await provisionTopics(['a-b', 'Bad Name', 'd'], RESOURCES, deps);
    expect(tables).toEqual([
      expect.objectContaining({ topic_name: 'a-b', status: 'REFUSED', error_code: 'TOPIC_COLLISION' }),
      expect.objectContaining({
        topic_name: 'Bad Name',
        table_name: '',
        status: 'REFUSED',
        error_code: 'INVALID_TOPIC',
      }),
      { topic_name: 'd', table_name: 'd', status: 'READY' },
    ]);
  });

  it('gives a contested table to exactly one of many callers at once', async () => {
    const { deps } = world();
    const answers = await Promise.all(['a.b', 'a-b', 'a_b'].map((topic) => provisionTopics([topic], RESOURCES, deps)));
    const ready = answers.flatMap(({ tables }) => tables).filter(({ status }) => status === 'READY');
    expect(ready).toHaveLength(1);
  });

  it('ends as one caller alone would, however the steps of several fall together', async () => {
    const names = ['a.b', 'a-b', 'a_b', 'c', 'd'];
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.shuffledSubarray(names, { minLength: 1 }), { minLength: 2, maxLength: 4 }),
        async (scheduler, callers) => {
          const { deps, warehouse, documents } = world();
          const turns = <T extends object>(port: T): T =>
            new Proxy(port, {
              get(target, name, receiver) {
                const member: unknown = Reflect.get(target, name, receiver);
                if (typeof member !== 'function') return member;
                return (...args: unknown[]) =>
                  scheduler
                    .schedule(Promise.resolve(), String(name))
                    .then(() => (member as (...given: unknown[]) => unknown)(...args));
              },
            });
          const apart = { ...deps, athena: turns(warehouse), catalog: turns(warehouse), documents: turns(documents) };
          const answers = await scheduler.waitFor(
            Promise.all(callers.map((topics) => provisionTopics(topics, RESOURCES, apart))),
          );
          const tables = answers.flatMap((answer) => answer.tables);
          const ready = new Set(tables.filter(({ status }) => status === 'READY').map((one) => one.topic_name));
          // Every table has one owner, and every caller gets the same answer.
          expect([...ready].filter((topic) => topic.startsWith('a')).length).toBeLessThanOrEqual(1);
          for (const one of tables) expect(one.status).toBe(ready.has(one.topic_name) ? 'READY' : 'REFUSED');
          expect(warehouse.tables.size).toBe(ready.size);
          for (const topic of ready) {
            await expect(documents.get('registry', { topic_name: topic })).resolves.toMatchObject({ status: 'READY' });
          }
        },
      ),
      { numRuns: budget({ eachRun: 60, thorough: 300 }) },
    );
  });

  it('leaves the item of a topic with a schema alone', async () => {
    const { deps, documents } = world();
    const item = { topic_name: 'a', processing_enabled: true, status: 'ERROR', schema_version: 3 };
    documents.seed('registry', item);
    await provisionTopics(['a'], RESOURCES, deps);
    await expect(documents.get('registry', { topic_name: 'a' })).resolves.toEqual(item);
  });

  it('leaves a held topic alone and says by whom it is held, and makes the others', async () => {
    const { deps, warehouse, documents } = world();
    const hold = { operation_id: '20261130T062500Z-hold-ab12cd', since: '2026-11-30T06:25:00Z' };
    const item = { topic_name: 'a', table_name: 'a', status: 'MAINTENANCE', epoch: 1, hold };
    documents.seed('registry', item);
    const { tables } = await provisionTopics(['a', 'b'], RESOURCES, deps);
    expect(tables).toEqual([
      {
        topic_name: 'a',
        table_name: 'a',
        status: 'HELD',
        error_code: 'TOPIC_HELD',
        error_message: expect.stringContaining('held by 20261130T062500Z-hold-ab12cd since 2026-11-30T06:25:00Z'),
      },
      { topic_name: 'b', table_name: 'b', status: 'READY' },
    ]);
    expect([...warehouse.tables.keys()]).toEqual(['lean_ops_standardized.b']);
    await expect(documents.get('registry', { topic_name: 'a' })).resolves.toEqual(item);
  });

  it('leaves a topic alone whose tables a schema upload alters, until that is over', async () => {
    const { deps, documents } = world();
    const expires_at = Math.floor(deps.clock.now() / 1_000) + 60;
    documents.seed('registry', { topic_name: 'a', status: 'READY', ddl: { by: '7', since: '', expires_at } });
    const status = async () => (await provisionTopics(['a'], RESOURCES, deps)).tables[0]?.status;
    await expect(status()).resolves.toBe('HELD');
    deps.clock.pass(60_000);
    await expect(status()).resolves.toBe('READY');
  });

  it('throws when a table could not be made for now, after making the others', async () => {
    const { deps, warehouse } = world();
    const lost = new AthenaStatementError({ disposition: 'retryable', code: 'THROTTLED' }, 'slow down', 'q');
    const athena = {
      ...warehouse,
      execute: (sql: string) => (sql.includes('`bad`') ? Promise.reject(lost) : warehouse.execute(sql)),
    };
    await expect(provisionTopics(['bad', 'good'], RESOURCES, { ...deps, athena })).rejects.toThrow(
      '1 of 2 tables: "bad"',
    );
    expect([...warehouse.tables.keys()]).toEqual(['lean_ops_standardized.good']);
  });
});

describe('decodeRequest', () => {
  it('reads both actions', () => {
    expect(decodeRequest({ action: 'system', tf: {} })).toEqual({ action: 'system' });
    expect(decodeRequest({ action: 'standardized', topics: ['a'] })).toEqual({ action: 'standardized', topics: ['a'] });
  });

  it.each([
    [undefined],
    [{}],
    [{ action: 'drop' }],
    [{ action: 'standardized' }],
    [{ action: 'standardized', topics: [1] }],
    [{ action: 'standardized', topics: Array.from({ length: MAX_TOPICS + 1 }, () => 'a') }],
  ])('refuses %j', (event) => {
    expect(() => decodeRequest(event)).toThrow('table-provisioner');
  });
});
