import {
  EntityNotFoundException,
  GetTableCommand,
  GlueClient,
  paginateGetTables,
  type Column,
} from '@aws-sdk/client-glue';
import type { TableColumn } from '../core/warehouse/table-plan';
import { clientOptions, type ClientSettings } from './client-options';

/** A column as the catalog has it. */
export interface CatalogColumn extends TableColumn {
  readonly comment?: string;
}

/** A table as the catalog has it; names and types are in lower case. */
export interface CatalogTable {
  /** The S3 URI of the current table metadata; undefined for a table that is not Iceberg's. */
  readonly metadataLocation: string | undefined;
  readonly columns: readonly CatalogColumn[];
}

/** The Glue catalog. */
export interface Catalog {
  /** Gives a table; undefined when the table or its database is not there. */
  getTable(database: string, table: string): Promise<CatalogTable | undefined>;
}

/** Whether a column is there still: Iceberg leaves dropped columns in Glue and marks them so. */
function isCurrent(column: Column): boolean {
  return column.Parameters?.['iceberg.field.current'] !== 'false';
}

export function glueClient(settings: Pick<ClientSettings, 'region'> = {}): GlueClient {
  return new GlueClient(clientOptions({ ...settings, requestTimeoutMs: 5_000, maxAttempts: 8, adaptive: true }));
}

export function glueCatalog(client: GlueClient = glueClient()): Catalog {
  return {
    async getTable(database, table) {
      try {
        const { Table } = await client.send(new GetTableCommand({ DatabaseName: database, Name: table }));
        return {
          metadataLocation: Table?.Parameters?.['metadata_location'],
          columns: (Table?.StorageDescriptor?.Columns ?? []).filter(isCurrent).map(({ Name, Type, Comment }) => ({
            name: (Name ?? '').toLowerCase(),
            type: (Type ?? '').toLowerCase(),
            ...(Comment !== undefined && { comment: Comment }),
          })),
        };
      } catch (error) {
        if (error instanceof EntityNotFoundException) return undefined;
        throw error;
      }
    },
  };
}

/** The tables of a database in one listing. */
export interface TableListing {
  /** The S3 URI of each Iceberg table's metadata by the table's name; empty when the database is not there. */
  metadataLocations(database: string): Promise<ReadonlyMap<string, string>>;
}

export function glueTableListing(client: GlueClient = glueClient()): TableListing {
  return {
    async metadataLocations(database) {
      const found = new Map<string, string>();
      try {
        for await (const { TableList: tables } of paginateGetTables({ client }, { DatabaseName: database })) {
          for (const { Name: name, Parameters: parameters } of tables ?? []) {
            const location = parameters?.['metadata_location'];
            if (name !== undefined && location !== undefined) found.set(name, location);
          }
        }
      } catch (error) {
        if (!(error instanceof EntityNotFoundException)) throw error;
      }
      return found;
    },
  };
}
