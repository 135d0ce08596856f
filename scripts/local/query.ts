/** Runs SQL through the Athena API. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  InvalidRequestException,
  StartQueryExecutionCommand,
  type ColumnInfo,
  type Row,
} from '@aws-sdk/client-athena';
import { connect, databases, output } from './clients';
import { UserError } from './errors';
import type { Stack } from './stack';

export interface QueryResult {
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * Runs one statement and reads all of its rows.
 *
 * @throws {UserError} with Athena's own message when the query fails
 */
export async function query(stack: Stack, sql: string): Promise<QueryResult> {
  const { athena } = connect(stack);
  const started = await athena
    .send(
      new StartQueryExecutionCommand({
        QueryString: sql,
        WorkGroup: output(stack, 'athena_workgroup'),
        QueryExecutionContext: { Database: databases(stack).standardized, Catalog: 'AwsDataCatalog' },
      }),
    )
    .catch((error: unknown) => {
      if (error instanceof InvalidRequestException) throw new UserError(`Athena: ${error.message}`, { cause: error });
      throw error;
    });
  const id = started.QueryExecutionId;
  let statementType: string | undefined;
  for (let wait = 50; ; wait = Math.min(wait * 1.5, 500)) {
    const { QueryExecution: execution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
    const state = execution?.Status?.State;
    statementType = execution?.StatementType;
    if (state === 'SUCCEEDED') break;
    if (state === 'FAILED' || state === 'CANCELLED')
      throw new UserError(`Athena: ${execution?.Status?.StateChangeReason ?? state}`);
    await sleep(wait);
  }
  const rows: Row[] = [];
  let info: ColumnInfo[] = [];
  let token: string | undefined;
  do {
    const page = await athena.send(
      new GetQueryResultsCommand({
        QueryExecutionId: id,
        MaxResults: 1000,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    rows.push(...(page.ResultSet?.Rows ?? []));
    info = page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? info;
    token = page.NextToken;
  } while (token !== undefined);
  // The result of DML, and no other, repeats the column names as its first row.
  const data = statementType === 'DML' ? rows.slice(1) : rows;
  return {
    columns: info.map((column) => column.Name ?? ''),
    types: info.map((column) => column.Type ?? ''),
    rows: data.map((row) => (row.Data ?? []).map((datum) => datum.VarCharValue ?? null)),
  };
}

/** Runs one statement and returns its rows as objects from column name to text. */
export async function queryObjects(stack: Stack, sql: string): Promise<Record<string, string | null>[]> {
  const result = await query(stack, sql);
  return result.rows.map((row) => Object.fromEntries(result.columns.map((column, at) => [column, row[at] ?? null])));
}
