import { hash } from 'node:crypto';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  InvalidRequestException,
  QueryExecutionState,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
  TooManyRequestsException,
  type QueryExecution,
} from '@aws-sdk/client-athena';
import { AthenaStatementError, classifyAthenaFailure } from '../core/warehouse/athena-failure';
import { fullJitterMs, type Backoff } from '../core/delivery/backoff';
import { clientOptions, type ClientSettings } from './client-options';
import { systemClock, systemRandom, type Clock } from './runtime';

/** The result of a query. */
export interface QueryRows {
  readonly columns: readonly string[];
  /** Values as Athena prints them, null for NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface ExecuteOptions {
  /**
   * Whether callers with the same text share one run of it, and all get its outcome. Once it has failed, the next call
   * starts the next run, again one for all. It is for statements that read before they write: no two of them ever read
   * at once. Athena promises so: https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
   */
  readonly shared?: boolean;
}

/** Runs statements in Athena. Both calls throw AthenaStatementError for a statement that Athena refused or failed. */
export interface Athena {
  /** Runs DDL or DML to its end and gives the query's id. */
  execute(sql: string, options?: ExecuteOptions): Promise<string>;
  /** Runs a query and reads all its rows. */
  query(sql: string): Promise<QueryRows>;
}

export interface AthenaOptions {
  readonly workgroup: string;
  /** Milliseconds after which a statement is stopped; it then counts as retryable. */
  readonly statementTimeoutMs?: number;
  readonly clock?: Clock;
}

/** Waits between polls, in milliseconds: the first, the longest, and the factor from one to the next. */
const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 2_000;
const POLL_GROWTH = 1.5;

export function athenaClient(settings: Pick<ClientSettings, 'region'> = {}): AthenaClient {
  return new AthenaClient(clientOptions({ ...settings, maxAttempts: 5, adaptive: true }));
}

export function athena(
  { workgroup, statementTimeoutMs = 120_000, clock = systemClock }: AthenaOptions,
  client: AthenaClient = athenaClient(),
): Athena {
  async function finished(id: string): Promise<QueryExecution> {
    const deadline = clock.now() + statementTimeoutMs;
    for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * POLL_GROWTH, LONGEST_POLL_MS)) {
      await clock.sleep(wait);
      const { QueryExecution: execution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
      const state = execution?.Status?.State;
      if (execution && state !== QueryExecutionState.QUEUED && state !== QueryExecutionState.RUNNING) {
        return { ...execution, QueryExecutionId: id };
      }
      if (clock.now() >= deadline) {
        // The stop may fail: the error for the caller matters more.
        await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id })).catch(() => undefined);
        const reason = `no end after ${statementTimeoutMs} ms; the statement was stopped`;
        throw new AthenaStatementError({ disposition: 'retryable', code: 'ATHENA_TIMEOUT' }, reason, id);
      }
    }
  }

  /** @param token Athena's idempotency token; by default the SDK makes a new one at each call */
  async function started(sql: string, token?: string): Promise<string | undefined> {
    try {
      const request = {
        QueryString: sql,
        WorkGroup: workgroup,
        ...(token !== undefined && { ClientRequestToken: token }),
      };
      return (await client.send(new StartQueryExecutionCommand(request))).QueryExecutionId;
    } catch (error) {
      // An account runs 20 DDL statements at once. Past that, waiting helps more than the SDK's quick retries.
      if (error instanceof TooManyRequestsException || (error as Error).name === 'ThrottlingException') {
        const { message } = error as Error;
        throw new AthenaStatementError({ disposition: 'retryable', code: 'THROTTLED' }, message, undefined, error);
      }
      // Athena parses a statement before it starts it, so one that it cannot read has no query id.
      if (!(error instanceof InvalidRequestException)) throw error;
      const verdict = classifyAthenaFailure({ reason: error.message, category: undefined, retryable: undefined });
      throw new AthenaStatementError(verdict, error.message, undefined);
    }
  }

  async function execute(sql: string, { shared = false }: ExecuteOptions = {}): Promise<string> {
    if (!shared) return outcome(await finished(idOf(await started(sql))));
    const began = clock.now();
    const digest = hash('sha256', sql, 'hex');
    for (let run = 0; ; run += 1) {
      const execution = await finished(idOf(await started(sql, `${digest}-${run}`)));
      const failed = execution.Status?.State !== QueryExecutionState.SUCCEEDED;
      const ended = execution.Status?.CompletionDateTime?.getTime() ?? Infinity;
      // A run that had failed before this call is no answer to it, but the next run is.
      if (!failed || ended >= began) return outcome(execution);
    }
  }

  function idOf(id: string | undefined): string {
    if (id === undefined) throw new TypeError('Athena gave no query execution id');
    return id;
  }

  function outcome({ QueryExecutionId: id = '', Status: status }: QueryExecution): string {
    if (status?.State === QueryExecutionState.SUCCEEDED) return id;
    const reason = status?.StateChangeReason ?? status?.AthenaError?.ErrorMessage ?? `ended as ${status?.State ?? '?'}`;
    if (status?.State === QueryExecutionState.CANCELLED) {
      throw new AthenaStatementError({ disposition: 'retryable', code: 'ATHENA_CANCELLED' }, reason, id);
    }
    const verdict = classifyAthenaFailure({
      reason,
      category: status?.AthenaError?.ErrorCategory,
      retryable: status?.AthenaError?.Retryable,
    });
    throw new AthenaStatementError(verdict, reason, id);
  }

  return {
    execute,
    async query(sql) {
      const id = await execute(sql);
      const rows: (string | null)[][] = [];
      const columns: string[] = [];
      let token: string | undefined;
      do {
        const page = await client.send(new GetQueryResultsCommand({ QueryExecutionId: id, NextToken: token }));
        const firstPage = token === undefined;
        if (firstPage) {
          columns.push(...(page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map(({ Name }) => Name ?? ''));
        }
        // The first row of the first page repeats the column names.
        const body = (page.ResultSet?.Rows ?? []).slice(firstPage ? 1 : 0);
        for (const { Data } of body) rows.push((Data ?? []).map(({ VarCharValue }) => VarCharValue ?? null));
        token = page.NextToken;
      } while (token !== undefined);
      return { columns, rows };
    },
  };
}

/** How often and when retryingAthena runs a statement again. */
export interface AthenaRetries {
  readonly attempts?: number;
  readonly backoff?: Backoff;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * Runs statements again after a retryable failure, such as a lost commit or throttling. Statements must be safe to run
 * more than once.
 */
export function retryingAthena(
  inner: Athena,
  {
    attempts = 5,
    backoff = { baseMs: 500, capMs: 8_000 },
    clock = systemClock,
    random = systemRandom,
  }: AthenaRetries = {},
): Athena {
  async function retrying<T>(call: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await call();
      } catch (error) {
        const hopeless = !(error instanceof AthenaStatementError) || error.disposition !== 'retryable';
        if (hopeless || failures + 1 >= attempts) throw error;
        await clock.sleep(fullJitterMs(backoff, failures, random));
      }
    }
  }
  return {
    execute: (sql, options) => retrying(() => inner.execute(sql, options)),
    query: (sql) => retrying(() => inner.query(sql)),
  };
}
