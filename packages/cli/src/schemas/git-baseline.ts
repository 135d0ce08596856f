import { realpathSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Baseline } from './baseline';
import { CliError } from '../errors';

/** Longest output of one git command, in bytes. */
const MAX_OUTPUT_BYTES = 64 * 1_048_576;

interface GitResult {
  readonly ok: boolean;
  readonly output: string;
  readonly error: string;
}

/**
 * Runs git without a shell.
 *
 * @throws CliError when git is not installed
 */
async function git(cwd: string, ...args: readonly string[]): Promise<GitResult> {
  const result = await execa('git', args, {
    cwd,
    reject: false,
    stripFinalNewline: false,
    // The user's settings must not change what is read here, and git must not wait for input.
    env: { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_LITERAL_PATHSPECS: '1' },
    stdin: 'ignore',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (result.code === 'ENOENT') throw new CliError('git is not installed: schema diff reads the base version with it.');
  return { ok: !result.failed, output: result.stdout, error: result.stderr.trim() };
}

/**
 * The schema files of one commit.
 *
 * @throws CliError outside a repository, and for a ref that does not exist
 */
export async function gitBaseline(ref: string, cwd: string): Promise<Baseline> {
  const top = await git(cwd, 'rev-parse', '--show-toplevel');
  if (!top.ok) throw new CliError(`${cwd} is not in a git repository, and schema diff compares files with a git ref.`);
  const root = top.output.replace(/\r?\n$/, '');
  // From here on git gets the commit's hash, so that nothing the user wrote can be read as an option or a path.
  const verified = await git(cwd, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  if (!verified.ok) {
    throw new CliError(
      `the git ref ${ref} does not exist: fetch it first (in a workflow: actions/checkout with fetch-depth: 0), or give another --base.`,
    );
  }
  const commit = verified.output.trim();

  const realRoot = realpathSync(root);
  const realCwd = realpathSync(cwd);
  /**
   * A path from the repository's root, as git writes it. Symbolic links on the way to the working directory are followed,
   * others are not.
   */
  const inRepository = (absolute: string): string => {
    const real = path.resolve(realCwd, path.relative(cwd, absolute));
    const relative = path.relative(realRoot, real).replaceAll(path.sep, '/');
    if (relative === '..' || relative.startsWith('../') || path.isAbsolute(relative)) {
      throw new CliError(`${absolute} is outside the git repository ${root}.`);
    }
    return relative;
  };
  const list = async (relative: string): Promise<string[]> => {
    const limits = relative === '' ? [] : ['--', relative];
    const { ok, output, error } = await git(
      root,
      'ls-tree',
      '-r',
      '-z',
      '--name-only',
      '--full-tree',
      commit,
      ...limits,
    );
    if (!ok) throw new CliError(`git cannot list ${relative} of ${ref}: ${error}`);
    return output.split('\0').filter((name) => name !== '');
  };

  return {
    name: ref,
    areWhole: false,
    filesBelow: async (absolute) =>
      (await list(inRepository(absolute))).map((name) =>
        path.resolve(cwd, path.relative(realCwd, path.join(realRoot, name))),
      ),
    read: async (absolute) => {
      const relative = inRepository(absolute);
      if (!(await list(relative)).includes(relative)) return undefined;
      const { ok, output, error } = await git(root, 'show', '--no-textconv', `${commit}:${relative}`);
      if (!ok) throw new CliError(`git cannot show ${relative} of ${ref}: ${error}`);
      return output;
    },
  };
}
