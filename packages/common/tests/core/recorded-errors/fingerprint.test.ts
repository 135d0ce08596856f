import { describe, expect, it } from '@jest/globals';
import {
  fingerprintOf,
  isFingerprint,
  readViolations,
  rulesOfSignature,
  signatureOf,
  statedRules,
} from '../../../src/core';
import vectors from '../../../../../tests/conformance/fingerprints.json';

describe('fingerprintOf', () => {
  it.each(vectors.errors)('of errors: $label', ({ topic, violations, signature, fingerprint }) => {
    const cause = { layer: 'curated', topic, violations: readViolations(violations) } as const;
    expect(signatureOf(cause)).toBe(signature);
    expect(fingerprintOf(cause)).toBe(fingerprint);
    expect(isFingerprint(fingerprint)).toBe(true);
  });

  it.each(vectors.parse_errors)('of parse_errors: $label', ({ topic, error_code: code, fingerprint }) => {
    expect(fingerprintOf({ layer: 'standardized', topic, code })).toBe(fingerprint);
  });

  it('is another one where the topic, the layer or the rules are others, and only there', () => {
    const ids = new Map(
      [...vectors.errors, ...vectors.parse_errors].map((one) => [
        one.fingerprint,
        `${one.topic} ${'signature' in one ? one.signature : one.error_code}`,
      ]),
    );
    expect(new Set(ids.values()).size).toBe(ids.size);
  });
});

describe('rulesOfSignature', () => {
  it('has the rules again', () => {
    expect(rulesOfSignature('humidity type,temperature maximum')).toEqual([
      { column: 'humidity', rule: 'type' },
      { column: 'temperature', rule: 'maximum' },
    ]);
    expect(rulesOfSignature('')).toEqual([]);
  });
});

describe('statedRules', () => {
  const document = {
    type: 'object',
    'x-topic': 't',
    'x-version': 2,
    required: ['level', 'a/b'],
    properties: {
      device_id: { type: 'string', 'x-cde': true },
      level: { type: 'integer', 'x-type': 'int', minimum: 0, 'x-renamed-from': 'depth' },
      'a/b': { type: 'number' },
      meta: { type: 'object', required: ['fw'], properties: { fw: { type: 'string' } } },
    },
  };
  const pointers = (...rules: readonly (readonly [column: string, rule: string])[]) =>
    statedRules(
      JSON.stringify(document),
      document,
      rules.map(([column, rule]) => ({ column, rule })),
    ).map(({ pointer, state }) => `${state} ${pointer}`);

  it('leads to the keyword that states the rule', () => {
    expect(
      pointers(
        ['device_id', 'required'],
        ['level', 'minimum'],
        ['level', 'type'],
        ['level', 'required'],
        ['a_b', 'required'],
        ['a_b', 'type'],
        ['meta__fw', 'required'],
        ['meta', 'type'],
      ),
    ).toEqual([
      'stated /properties/device_id/x-cde',
      'stated /properties/level/minimum',
      'stated /properties/level/x-type',
      'stated /required/0',
      'stated /required/1',
      'stated /properties/a~1b/type',
      'stated /properties/meta/required/0',
      'stated /properties/meta/type',
    ]);
  });

  it('finds a renamed field, and says what the schema does not state any more', () => {
    expect(pointers(['depth', 'minimum'], ['level', 'maximum'], ['meta', 'required'], ['gone', 'type'])).toEqual([
      'stated /properties/level/minimum',
      'changed /properties/level',
      'changed /properties/meta',
      'no field ',
    ]);
  });
});
