/** The processes that a test run starts, so that a run that is ended takes all of them with it. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processes } from './processes';

/** So much of the output is kept in memory; the log file has all of it. */
const KEPT_CHARACTERS = 200_000;
/** The system takes at most this long to end a process that was killed. */
const KILL_MS = 5_000;

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The file that gets the whole output. */
  readonly log: string;
  /** Is given each line, for showing progress. */
  readonly onLine: (line: string) => void;
}

export interface Ended {
  readonly ok: boolean;
  /** The end of what it printed, on both streams. */
  readonly output: string;
}

export class Children {
  private readonly pids = new Set<number>();
  private ending = false;

  /** Whether `end` was called: what has failed since then failed because of it. */
  get isEnding(): boolean {
    return this.ending;
  }

  /** @param graceMs how long a process that was asked to end may take until it is killed. */
  constructor(private readonly graceMs = 20_000) {}

  /** Runs a command in a process group of its own and waits for its end. A command that cannot start has failed. */
  async run({ command, args, cwd, env, log, onLine }: Command): Promise<Ended> {
    if (this.ending) return { ok: false, output: 'the run was ended' };
    return new Promise((resolve) => {
      const file = createWriteStream(log, { flags: 'a' });
      const child = spawn(command, args, {
        cwd,
        env: { ...process.env, ...env },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const { pid } = child;
      if (pid !== undefined) this.pids.add(pid);
      let output = '';
      const take = (chunk: Buffer): void => {
        file.write(chunk);
        output = `${output}${chunk.toString('utf8')}`.slice(-KEPT_CHARACTERS);
        const line = output.trimEnd().split('\n').at(-1)?.trim();
        if (line !== undefined && line !== '') onLine(line);
      };
      const end = (ok: boolean, last = ''): void => {
        if (pid !== undefined) this.pids.delete(pid);
        file.end();
        resolve({ ok, output: `${output}${last}` });
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.once('error', (error) => end(false, error.message));
      child.once('close', (code) => end(code === 0));
    });
  }

  /**
   * Ends every process that still runs, with all below it: SIGINT first, which lets pytest and Jest take down what they
   * started, SIGKILL for what is left after a while. Who is below whom is noted before the first one ends, since an
   * orphan no longer says whose child it was.
   */
  async end(): Promise<void> {
    this.ending = true;
    const below = new Set([...this.pids].flatMap((pid) => [pid, ...descendants(pid)]));
    for (const pid of this.pids) signal(-pid, 'SIGINT');
    await gone(below, this.graceMs);
    // What they have started meanwhile goes as well.
    for (const pid of [...below]) for (const late of descendants(pid)) below.add(late);
    for (const pid of below) signal(pid, 'SIGKILL');
    await gone(below, KILL_MS);
  }
}

/** Waits until none of these processes runs, or for as long as that. */
async function gone(pids: ReadonlySet<number>, atMostMs: number): Promise<void> {
  const deadline = Date.now() + atMostMs;
  while (processes().some(({ pid, ended }) => pids.has(pid) && !ended) && Date.now() < deadline) await sleep(100);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}

/** Every process below this one. */
function descendants(pid: number): number[] {
  const table = processes();
  const below = (of: number): number[] =>
    table.filter(({ parent }) => parent === of).flatMap((child) => [child.pid, ...below(child.pid)]);
  return below(pid);
}
