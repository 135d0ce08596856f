/**
 * Brings one stack of its own up for all end-to-end tests, on a free port, with IAM enforced. The runner shares it between
 * several runs of Jest: in LEAN_E2E_STACK it says `found` where it is up already, and `kept` where it is to stay up.
 */
import { spawnSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

export const STACK = 'e2e';
const ROOT = path.resolve(__dirname, '../..');

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export function local(...args: string[]): { status: number | null; output: string } {
  const result = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/local/cli.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    // The account ends with the test run, however that ends.
    env: { LEAN_OWNER_PID: String(process.pid), ...process.env, LEAN_STACK: STACK },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status: result.status, output: `${result.stdout}${result.stderr}` };
}

// Jest takes the hook from the default export.
// eslint-disable-next-line import-x/no-default-export
export default async function setUp(): Promise<void> {
  if (process.env['LEAN_E2E_STACK']?.includes('found') === true) return;
  local('down');
  const up = local('up', '--port', String(await freePort()));
  if (up.status !== 0) throw new Error(`The stack did not come up:\n${up.output}`);
}
