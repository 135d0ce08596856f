/** The process of `lean-ops …`: program.ts has its commands, and bin/lean-ops.mjs starts it. */
import { run } from './program';
import { displayOf, endWhenUnread, invokedFrom } from './terminal';

endWhenUnread(process.stdout);

process.exitCode = await run(process.argv.slice(2), {
  cwd: invokedFrom(process.env, process.cwd()),
  env: process.env,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  ...displayOf(process.env, process.stdout),
});
