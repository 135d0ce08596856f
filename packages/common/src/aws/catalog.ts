import { EntityNotFoundException, GetTableCommand, GlueClient, type Column } from '@aws-sdk/client-glue';
import type { TableColumn } from '../core/warehouse/table-plan';
import { clientOptions } from './client-options';

export interface CatalogTable {
  /** Present for Iceberg tables: where the current table metadata lies in S3. */
  readonly metadataLocation: string | undefined;
  readonly columns: readonly TableColumn[];
}

export interface Catalog {
  /** undefined when the table (or its database) is not there. */
  getTable(database: string, table: string): Promise<CatalogTable | undefined>;
}

/** Iceberg leaves dropped columns in Glue, marked as no longer current. */
function isCurrent(column: Column): boolean {
  return column.Parameters?.['iceberg.field.current'] !== 'false';
}

export function glueCatalog(client: GlueClient = new GlueClient(clientOptions({ requestTimeoutMs: 5_000 }))): Catalog {
  return {
    async getTable(database, table) {
      try {
        const { Table } = await client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
        return {
          metadataLocation: Table?.Parameters?.['metadata_location'],
          columns: (Table?.StorageDescriptor?.Columns ?? [])
            .filter(isCurrent)
            .map(({ Name, Type }) => ({ name: (Name ?? '').toLowerCase(), type: (Type ?? '').toLowerCase() })),
        };
      } catch (error) {
        if (error instanceof EntityNotFoundException) return undefined;
        throw error;
      }
    },
  };
}
