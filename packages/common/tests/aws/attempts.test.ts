import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dynamoAttemptLog, type AttemptLog } from '../../src/aws/attempts';

describe('dynamoAttemptLog, against a server', () => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    if (requests === 1) response.writeHead(500).end('{}');
  });
  let log: AttemptLog;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    process.env['AWS_ENDPOINT_URL_DYNAMODB'] = `http://127.0.0.1:${port}`;
    Object.assign(process.env, { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' });
    log = dynamoAttemptLog('idempotency', 'sqs-processor', 60);
  });
  afterAll(() => {
    delete process.env['AWS_ENDPOINT_URL_DYNAMODB'];
    server.closeAllConnections();
    server.close();
  });

  it('sends a count once, as it may have been written when the answer is an error', async () => {
    await expect(log.begin('m-1', 1_000)).rejects.toBeInstanceOf(Error);
    expect(requests).toBe(1);
  });

  it('waits for no answer longer than it may', async () => {
    const started = Date.now();
    await expect(log.begin('m-1', 100)).rejects.toBeInstanceOf(Error);
    await expect(log.end('m-1', 100)).rejects.toBeInstanceOf(Error);
    expect(Date.now() - started).toBeLessThan(900);
  });
});
