import { describe, expect, it } from '@jest/globals';
import denials from '../../../../tests/conformance/denials.json';
import { accessDenied } from '../../src/core/access-denied';

describe('accessDenied', () => {
  it.each(denials)('$message', ({ message, said }) => {
    expect(accessDenied(message) ?? null).toBe(said);
  });
});
