import { describe, expect, it } from '@jest/globals';
import { plainUsageError } from '../../../packages/cli/src/commands/usage';
import { failureText, UserError } from '../../../scripts/local/errors';
import { stackPaths } from '../../../scripts/local/paths';

describe('failureText', () => {
  it('is one line for an error that nobody foresaw', () => {
    expect(failureText(new RangeError('out of range'))).toMatch(/^unexpected RangeError: out of range\. Report it .*$/);
  });

  it('says what to do about a stack that does not answer', () => {
    expect(failureText(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).toContain('pnpm local down');
  });
});

describe('stackPaths', () => {
  // `up` empties the folder of the stack: "" and ".." would take other stacks, or the installed tools, with it.
  it.each(['', '.', '..', '../x', 'a/b', 'a b', '-x'])('refuses %j as a name', (name) => {
    expect(() => stackPaths(name)).toThrow(UserError);
  });

  it('takes names', () => {
    expect(stackPaths('e2e-2.b_c').dir).toMatch(/stacks\/e2e-2\.b_c$/);
  });
});

it('names the variable that has a wrong value', () => {
  const commander = "error: option '--port <n>' value 'abc' from env 'LEAN_PORT' is invalid. must be a whole number.\n";
  expect(plainUsageError(commander)).toBe('error: LEAN_PORT must be a whole number.\n');
});
