import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { execaSync } from 'execa';
import { unexpectedErrorText } from '../src/errors';
import { displayOf } from '../src/terminal';

const TTY = { isTTY: true, columns: 132 };

describe('displayOf', () => {
  it('takes the width of a terminal, and none of a pipe', () => {
    expect(displayOf({}, TTY)).toEqual({ columns: 132, colour: true });
    expect(displayOf({}, {})).toEqual({ columns: undefined, colour: false });
  });

  it('takes no width of a terminal that has been given no size', () => {
    expect(displayOf({}, { isTTY: true, columns: 0 }).columns).toBeUndefined();
  });

  it.each([
    ['NO_COLOR takes the colours', { NO_COLOR: '1' }, TTY, false],
    ['an empty NO_COLOR takes none', { NO_COLOR: '' }, TTY, true],
    ['a dumb terminal has none', { TERM: 'dumb' }, TTY, false],
    ['FORCE_COLOR colours a pipe', { FORCE_COLOR: '1' }, {}, true],
    ['FORCE_COLOR is stronger than NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, TTY, true],
    ['FORCE_COLOR=0 takes them', { FORCE_COLOR: '0' }, TTY, false],
  ])('%s', (_, env, stream, colour) => {
    expect(displayOf(env, stream).colour).toBe(colour);
  });
});

describe('unexpectedErrorText', () => {
  const error = new TypeError('x is not a function\n  at somewhere.');

  it('is one line that says what happened and what to do', () => {
    expect(unexpectedErrorText(error, {})).toBe(
      'unexpected TypeError: x is not a function at somewhere. Report it with what LEAN_OPS_DEBUG=1 prints.',
    );
    expect(unexpectedErrorText('nothing', {})).toBe('unexpected: nothing');
  });

  it('has the stack where it is asked for', () => {
    expect(unexpectedErrorText(error, { LEAN_OPS_DEBUG: '1' })).toBe(error.stack);
    expect(unexpectedErrorText(error, { LEAN_OPS_DEBUG: '0' })).toContain('unexpected TypeError');
  });
});

it('a reader that goes away ends a command without a stack trace', () => {
  const bin = path.resolve(import.meta.dirname, '../bin/lean-ops.mjs');
  // The sleep lets the pipe close before anything is written.
  const { stderr, stdout } = execaSync('bash', [
    '-c',
    `{ sleep 0.3; node '${bin}' --help; echo "ended with $?" >&2; } | exec true`,
  ]);
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: 'ended with 141' });
});
