import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { configFrom } from '../src/config';

const ENV = {
  OPERATIONS_TABLE: 'o',
  REGISTRY_TABLE: 'r',
  CHECKPOINT_TABLE: 'c',
  SCHEMA_BUCKET: 's',
  VALIDATOR_FUNCTION: 'v',
};
const CONTEXT = { awsRequestId: 'r-1', functionName: 'lean-ops-operation-steps' } as Context;
const before = { ...process.env };

beforeAll(() => {
  Object.assign(process.env, ENV, { AWS_REGION: 'eu-central-1', POWERTOOLS_DEV: 'true' });
});
afterAll(() => {
  process.env = before;
});

it('tells of every variable that is missing, at once', () => {
  expect(() => configFrom({})).toThrow(new RegExp(Object.keys(ENV).join('.*')));
});

describe('handler', () => {
  it('throws at what is no step of its own, and says so in one line', async () => {
    const { handler } = await import('../src/handler');
    const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    await expect(handler({ action: 'dance' }, CONTEXT)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });
});
