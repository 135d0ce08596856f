#!/usr/bin/env tsx
/** `lean-ops …`: see program.ts for what it can do. */
import { run } from './program';

process.exitCode = await run(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
});
