import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  InvalidRequestException,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-athena';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { athena, retryingAthena } from '../../src/aws';
import { AthenaStatementError } from '../../src/core';
import { fakeClock } from '../../src/testing';

const athenaMock = mockClient(AthenaClient);

beforeEach(() => {
  athenaMock.reset();
});

const adapter = (clock = fakeClock()) =>
  athena({ workgroup: 'lean-ops', clock, statementTimeoutMs: 10_000 }, new AthenaClient({ region: 'eu-central-1' }));
const state = (State: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'QUEUED' | 'CANCELLED', StateChangeReason?: string) => ({
  QueryExecution: { Status: { State, StateChangeReason } },
});

describe('athena', () => {
  it('polls until the statement is done, more and more slowly', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock
      .on(GetQueryExecutionCommand)
      .resolvesOnce(state('QUEUED'))
      .resolvesOnce(state('RUNNING'))
      .resolves(state('SUCCEEDED'));
    const clock = fakeClock();
    await expect(adapter(clock).execute('SELECT 1')).resolves.toBe('q1');
    expect(athenaMock.commandCalls(StartQueryExecutionCommand)[0]?.args[0].input).toEqual({
      QueryString: 'SELECT 1',
      WorkGroup: 'lean-ops',
    });
    expect(clock.slept).toEqual([100, 150, 225]);
  });

  it('says why a statement failed, and whether to try again', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('FAILED', 'ICEBERG_COMMIT_ERROR: lost'));
    const failure = adapter().execute('INSERT …');
    await expect(failure).rejects.toBeInstanceOf(AthenaStatementError);
    await expect(failure).rejects.toMatchObject({ code: 'ICEBERG_COMMIT_ERROR', disposition: 'retryable' });
  });

  it('takes a statement that Athena cannot read for what it is', async () => {
    const refusal = new InvalidRequestException({ message: "line 1:8: mismatched input 'TABEL'", $metadata: {} });
    athenaMock.on(StartQueryExecutionCommand).rejects(refusal);
    await expect(adapter().execute('CREATE TABEL x')).rejects.toMatchObject({
      code: 'SYNTAX_ERROR',
      disposition: 'statement',
    });
  });

  it.each([
    new TooManyRequestsException({ message: 'You have exceeded the limit', $metadata: {} }),
    Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' }),
  ])('counts $name at the start as bad luck: waiting helps', async (refusal) => {
    athenaMock.on(StartQueryExecutionCommand).rejectsOnce(refusal).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('SUCCEEDED'));
    const clock = fakeClock();
    await expect(retryingAthena(adapter(clock), { clock, random: () => 0.5 }).execute('x')).resolves.toBe('q1');
    expect(clock.slept).toContain(250);
  });

  it('counts a statement that somebody cancelled as bad luck', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('CANCELLED'));
    await expect(adapter().execute('x')).rejects.toMatchObject({ code: 'ATHENA_CANCELLED', disposition: 'retryable' });
  });

  /** Athena with its promise of one query for one token. Query n ends as `ends[n]` says, 50 ms after its start. */
  const tokens = (clock: ReturnType<typeof fakeClock>, ends: readonly ('SUCCEEDED' | 'FAILED')[]) => {
    const queries = new Map<string, { id: string; ended: Date }>();
    athenaMock
      .on(StartQueryExecutionCommand)
      .callsFake(({ ClientRequestToken: token = '' }: { ClientRequestToken?: string }) => {
        const known = queries.get(token) ?? { id: String(queries.size), ended: new Date(clock.now() + 50) };
        queries.set(token, known);
        return { QueryExecutionId: known.id };
      });
    athenaMock.on(GetQueryExecutionCommand).callsFake(({ QueryExecutionId: id }: { QueryExecutionId: string }) => {
      const { ended } = [...queries.values()][Number(id)]!;
      const Status = {
        State: ends[Number(id)],
        StateChangeReason: 'ICEBERG_COMMIT_ERROR: lost',
        CompletionDateTime: ended,
      };
      return { QueryExecution: { Status } };
    });
    return queries;
  };

  it('runs a shared statement once for all who ask, and again only after it failed', async () => {
    const clock = fakeClock();
    const queries = tokens(clock, ['FAILED', 'FAILED', 'SUCCEEDED']);
    const athenas = [adapter(clock), adapter(clock)].map((one) => retryingAthena(one, { clock, random: () => 0.5 }));
    await expect(Promise.all(athenas.map((one) => one.execute('INSERT', { shared: true })))).resolves.toEqual([
      '2',
      '2',
    ]);
    expect(queries.size).toBe(3);
    clock.pass(3_600_000);
    await expect(adapter(clock).execute('INSERT', { shared: true })).resolves.toBe('2');
    expect(queries.size).toBe(3);
    for (const token of queries.keys()) expect(token).toMatch(/^[0-9a-f]{64}-\d+$/);
  });

  it('stops a statement that does not end', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('RUNNING'));
    athenaMock.on(StopQueryExecutionCommand).resolves({});
    await expect(adapter().execute('SELECT 1')).rejects.toMatchObject({ code: 'ATHENA_TIMEOUT' });
    expect(athenaMock.commandCalls(StopQueryExecutionCommand)).toHaveLength(1);
  });

  it('reads all pages of rows, without the heading, NULLs as null', async () => {
    athenaMock.on(StartQueryExecutionCommand).resolves({ QueryExecutionId: 'q1' });
    athenaMock.on(GetQueryExecutionCommand).resolves(state('SUCCEEDED'));
    athenaMock
      .on(GetQueryResultsCommand)
      .resolvesOnce({
        NextToken: 'more',
        ResultSet: {
          ResultSetMetadata: {
            ColumnInfo: [
              { Name: 'a', Type: 'varchar' },
              { Name: 'b', Type: 'varchar' },
            ],
          },
          Rows: [{ Data: [{ VarCharValue: 'a' }, { VarCharValue: 'b' }] }, { Data: [{ VarCharValue: '1' }, {}] }],
        },
      })
      .resolves({ ResultSet: { Rows: [{ Data: [{ VarCharValue: '2' }, { VarCharValue: '' }] }] } });
    await expect(adapter().query('SELECT a, b')).resolves.toEqual({
      columns: ['a', 'b'],
      rows: [
        ['1', null],
        ['2', ''],
      ],
    });
  });
});

describe('retryingAthena', () => {
  const failing = (disposition: 'retryable' | 'statement', times: number) => {
    let calls = 0;
    return {
      calls: () => calls,
      execute: () => {
        calls += 1;
        return calls > times
          ? Promise.resolve('q')
          : Promise.reject(new AthenaStatementError({ disposition, code: 'X' }, 'reason', 'q'));
      },
      query: () => Promise.reject(new Error('unused')),
    };
  };

  it('tries again when it may help, with back-off, and not for ever', async () => {
    const clock = fakeClock();
    const inner = failing('retryable', 2);
    await expect(retryingAthena(inner, { clock, random: () => 0.5 }).execute('x')).resolves.toBe('q');
    expect(clock.slept).toEqual([250, 500]);
    const hopeless = failing('retryable', 99);
    await expect(retryingAthena(hopeless, { clock, attempts: 3 }).execute('x')).rejects.toThrow('reason');
    expect(hopeless.calls()).toBe(3);
  });

  it('does not repeat a statement that is wrong', async () => {
    const inner = failing('statement', 1);
    await expect(retryingAthena(inner, { clock: fakeClock() }).execute('x')).rejects.toThrow('reason');
    expect(inner.calls()).toBe(1);
  });
});
