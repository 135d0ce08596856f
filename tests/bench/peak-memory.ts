/** Measures the peak resident memory of a stack's Spark by /proc. It is 0 on systems without /proc. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The names of Spark's JVM and of the Python process that drives it. */
const DRIVER = /org\.apache\.spark\.deploy\.SparkSubmit|emulator\.spark_process\.worker/;

export class PeakMemory {
  readonly #pids: readonly string[];

  /**
   * Measures from now on.
   *
   * @param group the stack's process group
   */
  constructor(group: number) {
    this.#pids = existsSync('/proc/self/stat') ? readdirSync('/proc').filter((pid) => isDriver(pid, group)) : [];
    // Writing 5 resets the peak: https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    for (const pid of this.#pids) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  }

  megabytes(): number {
    return Math.round(this.#pids.reduce((sum, pid) => sum + peakKiB(pid), 0) / 1024);
  }
}

function isDriver(pid: string, group: number): boolean {
  if (!/^\d+$/.test(pid)) return false;
  // The fields after the name in parentheses are state, parent and process group.
  const [, , processGroup] = (read(`/proc/${pid}/stat`).split(') ').at(-1) ?? '').split(' ');
  return Number(processGroup) === group && DRIVER.test(read(`/proc/${pid}/cmdline`));
}

function peakKiB(pid: string): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** The text of a file in /proc; '' when the process has ended in the meantime. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
