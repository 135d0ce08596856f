/** Keeps two runs in one checkout from running the same suite: they would share its reports, and e2e its stack. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../local/errors';
import { TOOLS } from '../local/paths';
import { isAlive } from '../local/process';

/** Holds the suites until the function that it returns is called. @throws {UserError} when another run has one of them. */
export function holdSuites(suites: ReadonlySet<string>, folder = path.join(TOOLS.dir, 'test-runs')): () => void {
  mkdirSync(folder, { recursive: true });
  const held: string[] = [];
  const release = (): void => {
    for (const file of held) rmSync(file, { force: true });
  };
  for (const suite of suites) {
    const file = path.join(folder, suite);
    const holder = tryHold(file);
    if (holder !== undefined) {
      release();
      throw new UserError(
        `The suite ${suite} is under way in this checkout (process ${holder}). Wait for it, or end it.`,
      );
    }
    held.push(file);
  }
  return release;
}

/** @returns the process that has it; undefined when it is ours now. */
function tryHold(file: string): number | undefined {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(readFileSync(file, 'utf8'));
  if (holder > 0 && holder !== process.pid && isAlive(holder)) return holder;
  // The run that held it was killed.
  writeFileSync(file, String(process.pid));
  return undefined;
}
