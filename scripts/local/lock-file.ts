/** A lock between processes: a file that only one of them can make, with its process id in it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive } from './process';

/** Takes the lock, unless a process that lives has it. @returns that process; undefined when the lock is ours now. */
export function tryLock(file: string): number | undefined {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const holder = Number(text);
    // It is empty for the moment in which it is being made.
    if (text === '' || isAlive(holder)) return holder;
    // Whoever had it was killed.
    rmSync(file, { force: true });
  }
}

export function unlock(file: string): void {
  rmSync(file, { force: true });
}
