/** The services that cycle-planner talks to, on a local port: only what it asks of them, and as large as wanted. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { marshalDocument } from '../../packages/common/src/aws';
import type { Document } from '../../packages/common/src/core';

/** DynamoDB ends a page of a scan at a megabyte. */
const PAGE_BYTES = 1 << 20;

export interface PlannerWorld {
  /** RAW's metadata. */
  readonly metadataFile: string;
  readonly registry: readonly Document[];
  readonly checkpoints: readonly Document[];
}

/** Serves the world while `work` runs, which gets the address. */
export async function servePlanner<T>(world: PlannerWorld, work: (endpoint: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    answer(world, request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function answer(world: PlannerWorld, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = request.headers['x-amz-target'];
  const [, operation = ''] = typeof target === 'string' ? target.split('.') : [];
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-length': statSync(world.metadataFile).size, etag: '"bench"' });
    createReadStream(world.metadataFile).pipe(response);
    return;
  }
  const input = JSON.parse(await body(request)) as { TableName?: string; ExclusiveStartKey?: { n?: { N?: string } } };
  const from = Number(input.ExclusiveStartKey?.n?.N ?? '0');
  const answers: Readonly<Record<string, () => object>> = {
    GetTable: () => ({ Table: { Name: 'events', Parameters: { metadata_location: 's3://lake/metadata.json' } } }),
    Scan: () => page(input.TableName === 'registry' ? world.registry : world.checkpoints, from),
    GetItem: () => ({}),
    PutItem: () => ({}),
  };
  const found = answers[operation];
  if (found === undefined) throw new Error(`the benchmark does not answer ${operation}`);
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(found()));
}

/** A page of a scan from an index on. */
function page(items: readonly Document[], from: number): object {
  const found: object[] = [];
  let bytes = 0;
  let next = from;
  for (; next < items.length && bytes < PAGE_BYTES; next++) {
    const item = marshalDocument(items[next] ?? {});
    found.push(item);
    bytes += JSON.stringify(items[next]).length;
  }
  return {
    Items: found,
    Count: found.length,
    ...(next < items.length && { LastEvaluatedKey: { n: { N: String(next) } } }),
  };
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
