import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { configFrom } from '../src/config';

const ENV = {
  SCHEMA_BUCKET: 'b',
  DATABASE_PREFIX: 'lean_ops',
  LAKE_BUCKET: 'l',
  ATHENA_WORKGROUP: 'w',
  REGISTRY_TABLE: 'r',
  OPERATIONS_TABLE: 'o',
  OPERATION_STATE_MACHINE: 'arn:aws:states:eu-central-1:1:stateMachine:lean-ops-operation',
  FAILED_UPLOADS_QUEUE: 'lean-ops-failed-schema-uploads',
};
const CONTEXT = { awsRequestId: 'r-1', functionName: 'lean-ops-schema-validator' } as Context;
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
      /SCHEMA_BUCKET.*DATABASE_PREFIX.*LAKE_BUCKET.*ATHENA_WORKGROUP.*REGISTRY_TABLE.*FAILED_UPLOADS_QUEUE/,
    );
  });

  it('lets no other characters into database names', () => {
    expect(() => configFrom({ ...ENV, DATABASE_PREFIX: 'a-b' })).toThrow('DATABASE_PREFIX');
  });
});

describe('handler', () => {
  it('has nothing to do with another object, and says so in one line', async () => {
    const { handler } = await import('../src/handler');
    const log = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const event = {
      time: '2026-11-23T10:00:00Z',
      detail: { bucket: { name: 'b' }, object: { key: 'schemas/a/active/schema.json' } },
    };
    await expect(handler(event, CONTEXT)).resolves.toEqual({ outcome: 'IGNORED' });
    expect(log).toHaveBeenCalledTimes(1);
    expect(log.mock.calls[0]?.[0]).toMatch(/"outcome":\s*"IGNORED"/);
    log.mockRestore();
  });
});
