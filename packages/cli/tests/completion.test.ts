/** What a shell completes for `lean-ops`. bash runs the script; the scripts of zsh and fish are written from the same tree. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { SHELLS } from '../src/commands/completion-script';
import { workspace } from './workspace';

const { run } = workspace();

/** What bash offers after the words, the last of which is not finished. */
async function offered(...words: string[]): Promise<string[]> {
  const { output: script } = await run('completion', 'bash');
  const line = words.map((word) => `'${word}'`).join(' ');
  const call = `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _lean_ops; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', `${script}\n${call}`], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
}

describe('completion in bash', () => {
  it.each<[string, string[], string[]]>([
    ['commands', ['lean-ops', ''], ['schema', 'completion']],
    ['the beginning of a command', ['lean-ops', 'schema', 'in'], ['infer']],
    ['options', ['lean-ops', 'schema', 'lint', '--'], ['--format', '--help']],
    ['options of the command, behind an argument', ['lean-ops', 'schema', 'lint', 'schemas', '--f'], ['--format']],
    ['the values of an option', ['lean-ops', 'schema', 'lint', '--format', ''], ['text', 'json', 'github']],
    ['the values of an argument', ['lean-ops', 'completion', ''], [...SHELLS]],
  ])('offers %s', async (_, words, expected) => {
    expect(await offered(...words)).toEqual(expect.arrayContaining(expected));
  });

  it('offers nothing of its own where a file can stand, so that bash offers files', async () => {
    expect(await offered('lean-ops', 'schema', 'lint', 'sch')).toEqual([]);
    expect(await offered('lean-ops', 'schema', 'push', '--outputs', '')).toEqual([]);
  });

  it('defines a command where there is none', async () => {
    const { output: script } = await run('completion', 'bash');
    const version = execFileSync('bash', ['-c', `${script}\nlean-ops --version`], { encoding: 'utf8' });
    expect(version).toBe('0.1.0\n');
  });
});

it.each(SHELLS)('the script for %s knows every command', async (shell) => {
  const { output: script, code } = await run('completion', shell);
  expect(code).toBe(0);
  for (const command of [
    'schema',
    'lint',
    'diff',
    'plan',
    'push',
    'sync',
    'infer',
    'topic',
    'hold',
    'compact',
    'op',
    'completion',
  ])
    expect(script).toContain(command);
});

it('refuses another shell', async () => {
  expect(await run('completion', 'tcsh')).toMatchObject({
    code: 2,
    error: expect.stringContaining('shell must be one of bash, zsh, fish.'),
  });
});
