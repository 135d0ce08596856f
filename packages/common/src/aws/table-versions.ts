import { EntityNotFoundException, GlueClient, paginateGetTables, paginateGetTableVersions } from '@aws-sdk/client-glue';
import { clientOptions } from './client-options';

/** The tables of the Glue catalog, and how many versions it keeps of each. */
export interface TableVersions {
  tablesOf(database: string): Promise<readonly string[]>;
  /** Counts a table's versions, the present one included; 0 when the table is gone. */
  count(database: string, table: string): Promise<number>;
}

/** The most that Glue gives in one answer. */
const PAGE = 100;

/** Glue has no call that counts, so the versions are listed: a thousand calls for a table at its limit of 100,000. */
export function glueTableVersions(
  // A page has a hundred whole tables in it, of up to some hundred columns each. Counting can wait while Glue throttles.
  client: GlueClient = new GlueClient(clientOptions({ requestTimeoutMs: 30_000, maxAttempts: 10 })),
): TableVersions {
  return {
    async tablesOf(database) {
      const tables: string[] = [];
      const pages = paginateGetTables({ client }, { DatabaseName: database, AttributesToGet: ['NAME'] });
      for await (const { TableList } of pages) tables.push(...(TableList ?? []).map(({ Name }) => Name ?? ''));
      return tables;
    },

    async count(database, table) {
      let versions = 0;
      try {
        const pages = paginateGetTableVersions(
          { client, pageSize: PAGE },
          { DatabaseName: database, TableName: table },
        );
        for await (const { TableVersions } of pages) versions += TableVersions?.length ?? 0;
      } catch (error) {
        if (error instanceof EntityNotFoundException) return 0;
        throw error;
      }
      return versions;
    },
  };
}
