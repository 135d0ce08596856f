import { GetTablesCommand, GetTableVersionsCommand, GlueClient } from '@aws-sdk/client-glue';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { configFrom } from '../src/config';

const ENV = { DATABASE_PREFIX: 'lean_ops', LAKE_BUCKET: 'l', ATHENA_WORKGROUP: 'w', REGISTRY_TABLE: 'r' };
const CONTEXT = { awsRequestId: 'r-1', functionName: 'lean-ops-table-provisioner' } as Context;
const before = { ...process.env };

beforeAll(() => {
  Object.assign(process.env, ENV, {
    AWS_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_NAME: CONTEXT.functionName,
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
});
afterAll(() => {
  process.env = before;
});

describe('configFrom', () => {
  it('tells of every variable that is missing, at once', () => {
    expect(() => configFrom({})).toThrow(/DATABASE_PREFIX.*LAKE_BUCKET.*ATHENA_WORKGROUP.*REGISTRY_TABLE/);
  });

  it('lets no other characters into database names', () => {
    expect(() => configFrom({ ...ENV, DATABASE_PREFIX: 'a-b' })).toThrow('DATABASE_PREFIX');
  });
});

describe('handler', () => {
  it('throws at what is no request of its own, and says so in one line', async () => {
    const { handler } = await import('../src/handler');
    const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const metrics = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    await expect(handler({ action: 'dance' }, CONTEXT)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
    metrics.mockRestore();
  });

  it('writes the counts of versions as metrics of this function, which an alarm can tell from another deployment', async () => {
    const glue = mockClient(GlueClient);
    glue.on(GetTablesCommand).resolves({ TableList: [] });
    glue.on(GetTablesCommand, { DatabaseName: 'lean_ops_raw' }).resolves({ TableList: [{ Name: 'events' }] });
    glue.on(GetTableVersionsCommand).resolves({ TableVersions: [{}, {}, {}] });
    const lines: string[] = [];
    const log = jest.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
    const info = jest.spyOn(console, 'info').mockImplementation(() => undefined);
    const { handler } = await import('../src/handler');
    await expect(handler({ action: 'count-versions' }, CONTEXT)).resolves.toMatchObject({ tables: 1, total: 3 });
    log.mockRestore();
    info.mockRestore();
    const emf = lines.map((line) => JSON.parse(line) as Record<string, unknown>).find((line) => '_aws' in line);
    expect(emf).toMatchObject({
      service: 'table-provisioner',
      function_name: 'lean-ops-table-provisioner',
      LargestTableVersions: 3,
      TotalTableVersions: 3,
    });
    expect(JSON.stringify(emf?.['_aws'])).toContain('"Dimensions":[["service","function_name"]]');
  });
});
