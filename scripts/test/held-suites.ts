/** Keeps two runs in one checkout from running the same suite: they would share its reports, and e2e its stack. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../local/errors';
import { tryLock, unlock } from '../local/lock-file';
import { TOOLS } from '../local/paths';

/** Holds the suites until the function that it returns is called. @throws {UserError} when another run has one of them. */
export function holdSuites(suites: ReadonlySet<string>, folder = path.join(TOOLS.dir, 'test-runs')): () => void {
  mkdirSync(folder, { recursive: true });
  const held: string[] = [];
  const release = (): void => {
    for (const file of held) unlock(file);
  };
  for (const suite of suites) {
    const file = path.join(folder, suite);
    const holder = tryLock(file);
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
