import { realpathSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Baseline } from './baseline';
import { UsageError } from '../terminal';

interface GitResult {
  readonly ok: boolean;
  readonly output: string;
  readonly error: string;
}

/** Runs git without a shell. @throws UsageError where there is no git */
async function git(cwd: string, ...args: readonly string[]): Promise<GitResult> {
  const result = await execa('git', args, {
    cwd,
    reject: false,
    stripFinalNewline: false,
    // The user's settings must not change what is read here, nor may git wait for anyone.
    env: { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_LITERAL_PATHSPECS: '1' },
    stdin: 'ignore',
    maxBuffer: 64 * 1_048_576,
  });
  if (result.code === 'ENOENT')
    throw new UsageError('git is not installed: schema diff reads the base version with it.');
  return { ok: !result.failed, output: result.stdout, error: result.stderr.trim() };
}

/**
 * The files as a commit has them.
 *
 * @throws UsageError outside a repository, and for a ref that is not there
 */
export async function gitBaseline(ref: string, cwd: string): Promise<Baseline> {
  const top = await git(cwd, 'rev-parse', '--show-toplevel');
  if (!top.ok) throw new UsageError(`not in a git repository (${cwd}): schema diff compares files with a git ref.`);
  const root = top.output.replace(/\r?\n$/, '');
  // The hash, so that nothing the user wrote is ever read as an option or a path.
  const verified = await git(cwd, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  if (!verified.ok) {
    throw new UsageError(
      `the git ref ${ref} is not there: fetch it first (in a workflow: actions/checkout with fetch-depth: 0), or give another --base.`,
    );
  }
  const commit = verified.output.trim();

  const realRoot = realpathSync(root);
  const realCwd = realpathSync(cwd);
  /** From the repository's root, as git writes it. Links on the way to the working directory are followed, others are not. */
  const inRepository = (absolute: string): string => {
    const real = path.resolve(realCwd, path.relative(cwd, absolute));
    const relative = path.relative(realRoot, real).replaceAll(path.sep, '/');
    if (relative === '..' || relative.startsWith('../') || path.isAbsolute(relative)) {
      throw new UsageError(`${absolute} is outside the git repository ${root}.`);
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
    if (!ok) throw new UsageError(`git cannot list ${relative} of ${ref}: ${error}`);
    return output.split('\0').filter((name) => name !== '');
  };

  return {
    name: ref,
    filesBelow: async (absolute) =>
      (await list(inRepository(absolute))).map((name) =>
        path.resolve(cwd, path.relative(realCwd, path.join(realRoot, name))),
      ),
    read: async (absolute) => {
      const relative = inRepository(absolute);
      if (!(await list(relative)).includes(relative)) return undefined;
      const { ok, output, error } = await git(root, 'show', '--no-textconv', `${commit}:${relative}`);
      if (!ok) throw new UsageError(`git cannot show ${relative} of ${ref}: ${error}`);
      return output;
    },
  };
}
