import type { TableVersions } from '@lean-ops/common/aws';
import { databaseOf, LAYERS, mapLimit, type Lake } from '@lean-ops/common/core';

/** How many tables are looked at at a time: few enough to leave the account's Glue calls to the cycle. */
const CONCURRENCY = 4;

/** What a count of all tables' versions has found. */
export interface VersionCount {
  readonly tables: number;
  /** Versions of all tables; an account may have a million. */
  readonly total: number;
  /** The table with the most versions, and how many: it may have 100,000. Undefined when there is no table. */
  readonly largest: { readonly table: string; readonly versions: number } | undefined;
}

/** Counts the versions of every table of the four databases. */
export async function countVersions(lake: Lake, catalog: TableVersions): Promise<VersionCount> {
  const databases = Object.values(LAYERS).map((layer) => databaseOf(lake, layer));
  const names = await mapLimit(databases, CONCURRENCY, async (database) =>
    (await catalog.tablesOf(database)).map((table) => ({ database, table })),
  );
  const counts = await mapLimit(names.flat(), CONCURRENCY, async ({ database, table }) => ({
    table: `${database}.${table}`,
    versions: await catalog.count(database, table),
  }));
  return {
    tables: counts.length,
    total: counts.reduce((sum, { versions }) => sum + versions, 0),
    largest: counts.reduce<VersionCount['largest']>(
      (most, each) => (most === undefined || each.versions > most.versions ? each : most),
      undefined,
    ),
  };
}
