/**
 * Bundles every Lambda package to `packages/<name>/dist/index.js` and zips it to `dist/<name>.zip`, and zips the Glue library
 * to `dist/glue/lean_ops.zip`. The zips have fixed dates and sorted names, so that the same source has the same hash and is
 * not deployed again.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zipSync, type Zippable } from 'fflate';
import { bundle } from './bundle';

const ROOT = path.resolve(import.meta.dirname, '../..');
const OUT = path.join(ROOT, 'dist');
/** The earliest date a zip can hold. A zip keeps local time, so the date is made of local time in every time zone. */
const EPOCH = new Date(1980, 0, 1, 0, 0, 0);

export const LAMBDAS = readdirSync(path.join(ROOT, 'packages')).filter((name) => name !== 'common' && name !== 'cli');

function zip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {};
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // The mode is 0644, because AWS Lambda unpacks as another user, who must be able to read the files.
    entries[name] = [bytes, { mtime: EPOCH, level: 9, os: 3, attrs: 0o644 << 16 }];
  }
  return zipSync(entries);
}

async function bundleLambda(name: string): Promise<void> {
  const dir = path.join(ROOT, 'packages', name);
  await bundle(path.join(dir, 'src/handler.ts'), path.join(dir, 'dist'));
  const code = readFileSync(path.join(dir, 'dist/index.js'));
  write(`${name}.zip`, zip(new Map([['index.js', code]])));
}

function walk(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(dir, entry.name);
    if (entry.isDirectory()) return entry.name === '__pycache__' ? [] : walk(full);
    return entry.name.endsWith('.py') ? [full] : [];
  });
}

function zipGlueLibrary(): void {
  const dir = path.join(ROOT, 'scripts/glue');
  const files = new Map<string, Uint8Array>();
  for (const file of walk(path.join(dir, 'lean_ops'))) {
    files.set(path.relative(dir, file).split(path.sep).join('/'), readFileSync(file));
  }
  write('glue/lean_ops.zip', zip(files));
}

function write(name: string, bytes: Uint8Array): void {
  const file = path.join(OUT, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  console.log(`  ${name.padEnd(26)} ${(bytes.length / 1024).toFixed(0).padStart(6)} KiB  sha256 ${hash}`);
}

rmSync(OUT, { recursive: true, force: true });
for (const name of LAMBDAS) await bundleLambda(name);
zipGlueLibrary();
