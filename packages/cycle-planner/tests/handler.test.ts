import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { configFrom } from '../src/config';

const ENV = {
  DATABASE_PREFIX: 'lean_ops',
  LAKE_BUCKET: 'l',
  REGISTRY_TABLE: 'r',
  CHECKPOINT_TABLE: 'c',
  OPERATIONS_TABLE: 'o',
  OPERATION_STATE_MACHINE: 'arn:aws:states:eu-central-1:1:stateMachine:o',
  SCHEMA_BUCKET: 's',
  VALIDATOR_FUNCTION: 'v',
};
const CONTEXT = { awsRequestId: 'r-1', functionName: 'lean-ops-cycle-planner' } as Context;
const before = { ...process.env };

beforeAll(() => {
  Object.assign(process.env, ENV, { AWS_REGION: 'eu-central-1', POWERTOOLS_DEV: 'true' });
});
afterAll(() => {
  process.env = before;
});

describe('configFrom', () => {
  it('tells of every variable that is missing, at once', () => {
    expect(() => configFrom({})).toThrow(
      /DATABASE_PREFIX.*LAKE_BUCKET.*REGISTRY_TABLE.*CHECKPOINT_TABLE.*OPERATIONS_TABLE/,
    );
  });

  it('lets no other characters into database names', () => {
    expect(() => configFrom({ ...ENV, DATABASE_PREFIX: 'a-b' })).toThrow('DATABASE_PREFIX');
  });
});

describe('handler', () => {
  it('throws at what is no request of its own, and says so in one line', async () => {
    const { handler } = await import('../src/handler');
    const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    await expect(handler({ action: 'dance' }, CONTEXT)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });
});
