import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { glueCatalog } from '../../src/aws/catalog';

/** A Glue that is asked too often for the first calls, on a port of this machine. */
function throttlingGlue(refusals: number): Server {
  let calls = 0;
  return createServer((request, response) => {
    request.resume();
    calls += 1;
    const throttled = calls <= refusals;
    response.writeHead(throttled ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(
      JSON.stringify(
        throttled
          ? { __type: 'ThrottlingException', Message: 'Rate exceeded' }
          : { Table: { Name: 't', Parameters: { metadata_location: 's3://b/m.json' } } },
      ),
    );
  });
}

describe('the client of the Glue catalog', () => {
  const before = { ...process.env };
  let server: Server;

  beforeEach(async () => {
    server = throttlingGlue(3);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 's',
    });
  });
  afterEach(() => {
    process.env = before;
    server.closeAllConnections();
    server.close();
  });

  // Three refusals ended the call when clients had the SDK's three attempts.
  it('outlives a moment in which Glue throttles', async () => {
    await expect(glueCatalog().getTable('d', 't')).resolves.toMatchObject({ metadataLocation: 's3://b/m.json' });
  }, 60_000);
});
