import type { CatalogTable, QueryRows } from '@lean-ops/common/aws';
import { AthenaStatementError } from '@lean-ops/common/core';
import type { Cloud } from './aws-clients';
import type { Deployment } from './deployment';
import { explain, oneLine } from './explain-aws-errors';
import { UsageError } from '../terminal';

export interface Asking {
  readonly query: (sql: string) => Promise<QueryRows>;
  /** undefined when the table is not there. */
  readonly getTable: (database: string, table: string) => Promise<CatalogTable | undefined>;
}

/** Asks Athena and the Glue catalog; whatever they refuse is told in one line. */
export function asking(
  { athena, catalog }: Pick<Cloud, 'athena' | 'catalog'>,
  { athenaWorkgroup }: Deployment,
): Asking {
  return {
    async query(sql) {
      try {
        return await athena.query(sql);
      } catch (error) {
        if (error instanceof AthenaStatementError) throw new UsageError(failedStatement(error), { cause: error });
        const rights = 'athena:StartQueryExecution, athena:GetQueryExecution and athena:GetQueryResults';
        throw new UsageError(explain(error, rights, `the work group ${athenaWorkgroup}`), { cause: error });
      }
    },
    async getTable(database, table) {
      try {
        return await catalog.getTable(database, table);
      } catch (error) {
        throw new UsageError(explain(error, 'glue:GetTable', `${database}.${table}`), { cause: error });
      }
    },
  };
}

function failedStatement({ message, data }: AthenaStatementError): string {
  const id = typeof data['queryExecutionId'] === 'string' ? ` (query ${data['queryExecutionId']})` : '';
  return `${oneLine(message).slice(0, 1_000)}${id}`;
}
