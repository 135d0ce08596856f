/** The system's table of processes. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** It has ended, and nobody has waited for it yet. */
  readonly ended: boolean;
  /** The name of its program, without a folder. */
  readonly name: string;
}

export function processes(): Process[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,comm='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state = '', ...name] = line.trim().split(/\s+/);
      // macOS gives the whole path.
      return {
        pid: Number(pid),
        parent: Number(parent),
        ended: state.startsWith('Z'),
        name: path.basename(name.join(' ')),
      };
    });
}
