import { describe, expect, it } from '@jest/globals';
import type { TableVersions } from '@lean-ops/common/aws';
import { countVersions } from '../src/count-versions';

const LAKE = { databasePrefix: 'lean_ops', bucket: 'lake' };

/** A catalog that has these tables, as `database.table` with its versions. */
function catalogOf(tables: Readonly<Record<string, number>>): TableVersions {
  const names = Object.keys(tables).map((name) => name.split('.'));
  return {
    tablesOf: (database) => Promise.resolve(names.filter(([of]) => of === database).map(([, table = '']) => table)),
    count: (database, table) => Promise.resolve(tables[`${database}.${table}`] ?? 0),
  };
}

describe('countVersions', () => {
  it('counts the tables of all four databases and of no other, and names the one with the most', async () => {
    const catalog = catalogOf({
      'lean_ops_raw.events': 1_440,
      'lean_ops_standardized.a_b': 7,
      'lean_ops_curated.a_b': 3,
      'lean_ops_ops.ledger': 2,
      'somebody_else.events': 99_999,
    });
    await expect(countVersions(LAKE, catalog)).resolves.toEqual({
      tables: 4,
      total: 1_452,
      largest: { table: 'lean_ops_raw.events', versions: 1_440 },
    });
  });

  it('has no largest where there is no table', async () => {
    await expect(countVersions(LAKE, catalogOf({}))).resolves.toEqual({ tables: 0, total: 0, largest: undefined });
  });
});
