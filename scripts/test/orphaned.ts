/** Notices that the package manager which started this run is gone: one that is ended may end alone. */
import { execFileSync } from 'node:child_process';
import { isAlive } from '../local/process';

const INTERVAL_MS = 1_000;
/** What stands between the person and this process: npx, pnpm and the shells that they run scripts in. */
const PACKAGE_MANAGERS = /^(node|npm|npx|pnpm|sh|MainThread)/;

/** Calls `orphaned` once when one of the package manager's processes above this one has ended. */
export function endWhenOrphaned(orphaned: () => void): void {
  const above = packageManagers();
  const timer = setInterval(() => {
    if (above.every(isAlive) && (above.length === 0 || process.ppid === above[0])) return;
    clearInterval(timer);
    orphaned();
  }, INTERVAL_MS);
  timer.unref();
}

/** Parent, grandparent and so on, as long as they are a package manager's. */
function packageManagers(): number[] {
  const known = new Map(
    execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => {
        const [pid = '', parent = '', ...name] = line.trim().split(/\s+/);
        return [Number(pid), { parent: Number(parent), name: name.join(' ') }] as const;
      }),
  );
  const found: number[] = [];
  for (let pid = process.ppid; pid > 1 && !found.includes(pid); pid = known.get(pid)?.parent ?? 0) {
    if (!PACKAGE_MANAGERS.test(known.get(pid)?.name ?? '')) break;
    found.push(pid);
  }
  return found;
}
