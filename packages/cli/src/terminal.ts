/** The surroundings of a command: where it runs, and where it writes. */
export interface Terminal {
  /** The directory that relative paths start from. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
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
