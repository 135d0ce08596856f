/** Notices that the package manager which started this run is gone: one that is ended may end alone. */
import { isAlive } from '../local/process';
import { processes } from './processes';

const INTERVAL_MS = 1_000;
/** Names of the processes of npx and pnpm. A shell counts only below one of them: they run scripts in it. */
const PACKAGE_MANAGERS = /^(node|npm|npx|pnpm|MainThread)/;
const SHELL = /^(sh|dash|bash)$/;

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
  const known = new Map(processes().map((one) => [one.pid, one]));
  const found: number[] = [];
  for (let pid = process.ppid; pid > 1 && !found.includes(pid); pid = known.get(pid)?.parent ?? 0) {
    const own = known.get(pid);
    const above = known.get(own?.parent ?? 0)?.name ?? '';
    const counts =
      PACKAGE_MANAGERS.test(own?.name ?? '') || (SHELL.test(own?.name ?? '') && PACKAGE_MANAGERS.test(above));
    if (!counts) break;
    found.push(pid);
  }
  return found;
}
