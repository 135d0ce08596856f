/** What a command needs of the place it runs in. */
export interface Terminal {
  /** Paths are relative to it. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** What the shell learns. Part of the interface: `--help` tells it. */
export const EXIT = { clean: 0, problems: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command could not do its work: wrong arguments, files that cannot be read. The message alone tells what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const FORMATS = ['text', 'json', 'github'] as const;
export type Format = (typeof FORMATS)[number];

/**
 * The directory that the user is in. pnpm runs a script in the directory of its package, whatever directory it was
 * called from (`pnpm --dir lean-ops lean-ops schema lint schemas`), and keeps that one in INIT_CWD; anybody else's INIT_CWD
 * says nothing of this command.
 */
export function invokedFrom(env: Terminal['env'], cwd: string): string {
  return env['npm_lifecycle_event'] === 'lean-ops' ? (env['INIT_CWD'] ?? cwd) : cwd;
}
