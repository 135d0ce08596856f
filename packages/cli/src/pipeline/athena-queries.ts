import type { CatalogTable, QueryRows } from '@lean-ops/common/aws';
import { AthenaStatementError } from '@lean-ops/common/core';
import type { Cloud } from './aws-clients';
import type { Deployment } from './deployment';
import { explainError, oneLine } from './explain-aws-errors';
import { CliError } from '../errors';

/** Reads rows and tables of the lake. Both functions throw a CliError of one line when the service refuses. */
export interface LakeReader {
  readonly query: (sql: string) => Promise<QueryRows>;
  /** The table, or undefined when it does not exist. */
  readonly getTable: (database: string, table: string) => Promise<CatalogTable | undefined>;
}

/** A reader over Athena's work group and the Glue catalog of a deployed pipeline. */
export function lakeReader(
  { athena, catalog }: Pick<Cloud, 'athena' | 'catalog'>,
  { athenaWorkgroup }: Deployment,
): LakeReader {
  return {
    async query(sql) {
      try {
        return await athena.query(sql);
      } catch (error) {
        if (error instanceof AthenaStatementError) throw new CliError(failedStatement(error), { cause: error });
        const rights = 'athena:StartQueryExecution, athena:GetQueryExecution and athena:GetQueryResults';
        throw new CliError(explainError(error, rights, `the work group ${athenaWorkgroup}`), { cause: error });
      }
    },
    async getTable(database, table) {
      try {
        return await catalog.getTable(database, table);
      } catch (error) {
        throw new CliError(explainError(error, 'glue:GetTable', `${database}.${table}`), { cause: error });
      }
    },
  };
}

function failedStatement({ message, data }: AthenaStatementError): string {
  const id = typeof data['queryExecutionId'] === 'string' ? ` (query ${data['queryExecutionId']})` : '';
  return `${oneLine(message).slice(0, 1_000)}${id}`;
}
