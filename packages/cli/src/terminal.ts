/** The surroundings of a command: where it runs, and where it writes. */
export interface Terminal {
  /** The directory that relative paths start from. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Characters in a line of standard output; undefined where it goes into a file or a pipe. */
  readonly columns: number | undefined;
  /** Whether standard output is to be coloured. */
  readonly colour: boolean;
}

/** Exit codes. They are part of the interface, and `--help` lists them. */
export const EXIT = { clean: 0, problems: 1, failed: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const FORMATS = ['text', 'json', 'github'] as const;
export type Format = (typeof FORMATS)[number];

/**
 * The directory that the user is in. pnpm runs a script in the directory of its package, wherever it was called from
 * (`pnpm --dir lean-ops lean-ops schema lint schemas`), and keeps the caller's directory in INIT_CWD. An INIT_CWD that
 * another script's run has left says nothing about this command.
 */
export function invokedFrom(env: Terminal['env'], cwd: string): string {
  return env['npm_lifecycle_event'] === 'lean-ops' ? (env['INIT_CWD'] ?? cwd) : cwd;
}

/** What of a terminal decides how text is laid out on it. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * The width of the output, and whether it is coloured. FORCE_COLOR takes precedence over NO_COLOR, as in Node.js
 * (https://nodejs.org/api/cli.html#force_color1-2-3, https://no-color.org).
 */
export function displayOf(env: Terminal['env'], stream: OutputStream): Pick<Terminal, 'columns' | 'colour'> {
  const { FORCE_COLOR: forced = '', NO_COLOR: refused = '', TERM: kind } = env;
  const suits = stream.isTTY === true && kind !== 'dumb';
  const colour = forced === '' ? suits && refused === '' : forced !== '0' && forced !== 'false';
  // A pseudo-terminal to which nobody has given a size has 0 columns.
  const sized = stream.isTTY === true && (stream.columns ?? 0) > 0;
  return { columns: sized ? stream.columns : undefined, colour };
}

/** The exit code of a command that a closed pipe has ended, as shells give it for SIGPIPE. */
const CLOSED_PIPE = 141;

/**
 * Ends the process without a word when nobody reads its output any more, as in `lean-ops status | head -1`. A process that
 * cleans up on SIGTERM does so first.
 */
export function endWhenUnread(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(CLOSED_PIPE);
  });
}
