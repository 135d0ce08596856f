/** What `lean-ops` says of each of its commands, and that wrong usage of any of them ends with 2. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { workspace } from './workspace';

const { run } = workspace();

/** The help of a command and of all below it, by the words that lead to it. */
async function helpOfAll(words: readonly string[] = []): Promise<[words: readonly string[], help: string][]> {
  const { output: help } = await run(...words, '--help');
  const commands = /^Commands:\n([\s\S]*?)(?:\n\n|\n?$(?![\s\S]))/m.exec(help)?.[1] ?? '';
  const names = [...commands.matchAll(/^ {2}(\w+)/gm)].flatMap(([, name]) => (name === 'help' || !name ? [] : [name]));
  const below = await Promise.all(names.map((name) => helpOfAll([...words, name])));
  return [[words, help], ...below.flat()];
}

describe('lean-ops', () => {
  let all: [words: readonly string[], help: string][] = [];
  beforeAll(async () => void (all = await helpOfAll()));

  it('has help for every command', () => {
    expect(all.map(([words]) => words.join(' '))).toEqual(
      expect.arrayContaining(['', 'schema lint', 'status', 'dlq list']),
    );
    for (const [words, help] of all) expect(help).toMatchSnapshot(`lean-ops ${words.join(' ')} --help`);
  });

  it('ends with 2 and one line after an option that there is not', async () => {
    for (const [words] of all) {
      const { code, output, error } = await run(...words, '--no-such-option');
      expect([words, code, output]).toEqual([words, 2, '']);
      expect(error).toMatch(/^error: .*\nSee --help\.\n$/);
    }
  });
});
