import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createTable, type TableDefinition } from '../../../src/core/warehouse/ddl';
import type { JsonObject } from '../../../src/core/json/value';
import { curatedTable, standardizedTable, systemTables } from '../../../src/core/warehouse/tables';
import { modelOf, topicSchema } from '../../../src/testing';

/** The tests of the Spark jobs make their tables from this file, so that they have the tables that Athena makes. */
const FILE = path.resolve(__dirname, '../../../../../tests/conformance/ddl.json');
const LAKE = { databasePrefix: 'lean_ops', bucket: 'lake' };
const TABLE = 'topic';

const curated = (words: JsonObject) => {
  const properties = { at: { type: 'string', format: 'date-time', 'x-cde': true } };
  return createTable(curatedTable(LAKE, TABLE, modelOf({ ...topicSchema({ properties }), ...words })));
};
const system = systemTables(LAKE).map((table): [string, string] => [nameOf(table), createTable(table)]);

function nameOf({ database, table }: TableDefinition): string {
  return `${database.replace(`${LAKE.databasePrefix}_`, '')}.${table}`;
}

describe('tests/conformance/ddl.json', () => {
  it('is the DDL as it is now (write what is expected here into the file after a change)', () => {
    expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual({
      system: Object.fromEntries(system),
      standardized: createTable(standardizedTable(LAKE, TABLE)),
      curated: {
        declared: curated({ 'x-event-time': 'at' }),
        stable: curated({ 'x-event-time-stable': true }),
        neither: curated({}),
      },
    });
  });
});
