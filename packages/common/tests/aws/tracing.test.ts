import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { traced } from '../../src/aws/tracing';
import { lambdaContext } from '../../src/testing/ingest-factories';

const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
const before = { ...process.env };

describe('traced', () => {
  beforeEach(() => {
    // X-Ray's library reads these variables, which a Lambda has.
    Object.assign(process.env, { LAMBDA_TASK_ROOT: '/var/task', AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' });
    Object.assign(process.env, { _X_AMZN_TRACE_ID: TRACE, AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:1' });
  });

  afterEach(() => {
    process.env = { ...before };
  });

  it('is the handler itself where tracing is off', () => {
    const handler = (): Promise<void> => Promise.resolve();
    expect(traced('test', handler, false)).toBe(handler);
    expect(traced('test', handler)).toBe(handler);
  });

  it('gives what the handler gives, and throws what it throws', async () => {
    const handler = traced(
      'test',
      (event: number) => (event > 1 ? Promise.reject(new Error('no')) : Promise.resolve(event)),
      true,
    );
    await expect(handler(1, lambdaContext())).resolves.toBe(1);
    await expect(handler(2, lambdaContext())).rejects.toThrow('no');
    await expect(handler(0, lambdaContext())).resolves.toBe(0);
  });
});
