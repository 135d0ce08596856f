/** The README of each function names the environment variables that it reads and the files that it has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const PACKAGES = path.resolve(__dirname, '../../packages');
/** What every function reads beside its own, by the library. */
const SHARED = ['LOG_LEVEL', 'TRACING_ENABLED'];

const FUNCTIONS = readdirSync(PACKAGES).filter((name) => existsSync(path.join(PACKAGES, name, 'src/handler.ts')));

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found ?? '').sort();
}

it('knows the functions', () => {
  expect(FUNCTIONS.length).toBeGreaterThanOrEqual(7);
});

describe.each(FUNCTIONS)('the README of %s', (name) => {
  const folder = path.join(PACKAGES, name);
  const readme = readFileSync(path.join(folder, 'README.md'), 'utf8');

  it('names the environment variables that the function reads', () => {
    const read = matches(readFileSync(path.join(folder, 'src/config.ts'), 'utf8'), /variable\.\w+\(\s*'([A-Z_]+)'/g);
    // The entry ends where the next one begins.
    const entry = /^- \*\*Environment:\*\*(.*?)^- /ms.exec(readme)?.[1] ?? '';
    expect(read.length).toBeGreaterThan(0);
    expect(matches(entry, /`([A-Z_]+)`/g)).toEqual([...read, ...SHARED].sort());
  });

  it('names the files of the function', () => {
    const files = readdirSync(path.join(folder, 'src')).filter((file) => file.endsWith('.ts'));
    const cells = matches(readme, /^\| (`src\/[^|]*) \|/gm).join();
    expect(matches(cells, /`src\/([\w-]+\.ts)`/g)).toEqual(files.sort());
  });
});
