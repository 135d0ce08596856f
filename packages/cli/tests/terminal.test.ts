import { describe, expect, it } from '@jest/globals';
import { displayOf } from '../src/terminal';

const TTY = { isTTY: true, columns: 132 };

describe('displayOf', () => {
  it('takes the width of a terminal, and none of a pipe', () => {
    expect(displayOf({}, TTY)).toEqual({ columns: 132, colour: true });
    expect(displayOf({}, {})).toEqual({ columns: undefined, colour: false });
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
