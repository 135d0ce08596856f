import { describe, expect, it } from '@jest/globals';
import { ConfigError, maskedConfig, readConfig, variable } from '../../src/core/config';

const SPEC = {
  queueUrl: variable.text('QUEUE_URL', { pattern: /^https:/, expected: 'an https URL' }),
  token: variable.text('TOKEN', { secret: true, pattern: /^t-/, expected: 'a token' }),
  attempts: variable.integer('ATTEMPTS', { min: 1, max: 9, fallback: 3 }),
  verbose: variable.flag('VERBOSE', { fallback: false }),
  mode: variable.oneOf('MODE', ['fast', 'safe'], { fallback: 'safe' }),
};

describe('readConfig', () => {
  it('gives typed values and stand-ins', () => {
    const config = readConfig({ QUEUE_URL: 'https://q', TOKEN: 't-1', VERBOSE: 'true', MODE: '' }, SPEC);
    const attempts: number = config.attempts;
    const mode: 'fast' | 'safe' = config.mode;
    expect({ ...config, attempts, mode }).toEqual({
      queueUrl: 'https://q',
      token: 't-1',
      attempts: 3,
      verbose: true,
      mode: 'safe',
    });
  });

  it('reports every fault at once, and no secret', () => {
    const env = { TOKEN: 'hunter2', ATTEMPTS: '10', VERBOSE: 'yes', MODE: 'slow' };
    const error = (() => {
      try {
        return readConfig(env, SPEC);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(ConfigError);
    const { faults, message } = error as ConfigError;
    expect(faults.map(({ name, code }) => `${name} ${code}`)).toEqual([
      'QUEUE_URL MISSING',
      'TOKEN INVALID',
      'ATTEMPTS INVALID',
      'VERBOSE INVALID',
      'MODE INVALID',
    ]);
    expect(message).toContain('ATTEMPTS must be a whole number from 1 to 9, not "10"');
    expect(JSON.stringify(error) + message).not.toContain('hunter2');
  });

  it.each(['1.5', '1e3', ' 1', '0x1', 'NaN', '９'])('takes %j for no whole number', (raw) => {
    expect(() => readConfig({ N: raw }, { n: variable.integer('N') })).toThrow(ConfigError);
  });
});

describe('maskedConfig', () => {
  it('hides secrets', () => {
    const config = readConfig({ QUEUE_URL: 'https://q', TOKEN: 't-1' }, SPEC);
    expect(maskedConfig(SPEC, config)).toMatchObject({ queueUrl: 'https://q', token: '***' });
  });
});
