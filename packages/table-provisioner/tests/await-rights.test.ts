import { describe, expect, it } from '@jest/globals';
import { AthenaStatementError, type AthenaDisposition } from '@lean-ops/common/core';
import { fakeClock } from '@lean-ops/common/testing';
import { awaitRights, RIGHTS_SPREAD_MS } from '../src/await-rights';

const DENIED =
  'User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: glue:GetTable on resource: arn:aws:glue:eu-central-1:1:table/raw/events';

const named = (name: string, message = DENIED): Error => Object.assign(new Error(message), { name });
const byAthena = (code: string, disposition: AthenaDisposition): Error =>
  new AthenaStatementError({ code, disposition }, DENIED, 'q');

/** Work that is refused until so many milliseconds have passed, and how often it was tried. */
function refusedFor(milliseconds: number, error: Error) {
  const clock = fakeClock();
  const began = clock.now();
  const state = { tries: 0, reported: 0 };
  const work = async (): Promise<string> => {
    state.tries += 1;
    return clock.now() - began < milliseconds ? Promise.reject(error) : Promise.resolve('done');
  };
  const run = async (): Promise<string> => awaitRights(work, { clock, onRefused: () => (state.reported += 1) });
  return { run, state, elapsed: () => clock.now() - began };
}

describe('awaitRights', () => {
  it.each([
    ['Glue', named('AccessDeniedException')],
    ['S3', named('AccessDenied')],
    [
      'a service that gives a status only',
      Object.assign(new Error('Forbidden'), { $metadata: { httpStatusCode: 403 } }),
    ],
    ['Athena, of a statement', byAthena('ACCESS_DENIED', 'environment')],
  ])('tries again what %s refuses in the first minute', async (_, error) => {
    const { run, state } = refusedFor(60_000, error);
    await expect(run()).resolves.toBe('done');
    expect(state.tries).toBeGreaterThan(2);
    expect(state.reported).toBe(state.tries - 1);
  });

  it('gives up after two minutes and says which right is missing', async () => {
    const { run, elapsed } = refusedFor(Infinity, named('AccessDeniedException'));
    await expect(run()).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(
        'lacks glue:GetTable on arn:aws:glue:eu-central-1:1:table/raw/events, and did so for 120 s',
      ) as unknown,
    });
    expect(elapsed()).toBeGreaterThan(RIGHTS_SPREAD_MS - 10_000);
    expect(elapsed()).toBeLessThanOrEqual(RIGHTS_SPREAD_MS + 5_000);
  });

  it.each([
    ['a table with other columns', named('LeanOpsError', 'TABLE_CONFLICT')],
    ['Lake Formation, which no waiting mends', byAthena('LAKE_FORMATION', 'environment')],
    ['a lost commit', byAthena('ICEBERG_COMMIT_ERROR', 'retryable')],
  ])('leaves %s to the caller at once', async (_, error) => {
    const { run, state } = refusedFor(60_000, error);
    await expect(run()).rejects.toBe(error);
    expect(state.tries).toBe(1);
  });
});
