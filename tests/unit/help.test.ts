/** What `pnpm local` says of its commands, and that wrong usage of any of them ends with 2 and one line. */
import { describe, expect, it } from '@jest/globals';
import { localProgram } from '../../scripts/local/commands/local-program';
import { helpOfAll, usageOf } from './command-tree';

describe('pnpm local', () => {
  it.each(helpOfAll(localProgram()))('%s --help', (_, help) => {
    expect(help).toMatchSnapshot();
  });

  it.each<[string[], number, string]>([
    [['up', '--port', 'abc'], 2, 'error: --port must be a whole number from 1 to 65535.'],
    [['up', '--port', '70000'], 2, 'error: --port must be a whole number from 1 to 65535.'],
    [['send'], 2, "error: missing required argument 'file'"],
    [['sned', 'x'], 2, "error: unknown command 'sned'"],
    [['query', '--exapnd', 'SELECT 1'], 2, "error: unknown option '--exapnd'"],
    [['--version'], 0, '0.1.0'],
  ])('%j ends with %i', async (args, code, said) => {
    const ended = await usageOf(localProgram(), args);
    expect(ended.code).toBe(code);
    expect(ended.output).toContain(said);
  });
});
