/** `lean-ops …`: see program.ts for what it can do, and bin/lean-ops.mjs for how it is started. */
import { run } from './program';
import { invokedFrom } from './terminal';

process.exitCode = await run(process.argv.slice(2), {
  cwd: invokedFrom(process.env, process.cwd()),
  env: process.env,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
});
