/**
 * What JavaScript says of random patterns and texts, for the judge's engines to say the same. Written by
 * `npx tsx packages/common/tests/core/pattern/vectors.ts`; the same every time.
 */
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { safePattern, text } from './arbitraries';

const FILE = path.resolve(import.meta.dirname, '../../../../../tests/conformance/patterns.json');
/** Loops of groups, which engines run in the most different ways: as many of them as of all others. */
const overGroup = safePattern.filter((pattern) => /\)(?:[*+]|\{2,\})/.test(pattern));
const texts = fc.uniqueArray(text, { minLength: 12, maxLength: 12 });
const cases = fc
  .sample(fc.tuple(fc.oneof(safePattern, overGroup), texts), { seed: 5, numRuns: 250 })
  .map(([pattern, all]) => {
    const regExp = new RegExp(pattern, 'u');
    return {
      pattern,
      found: all.filter((one) => regExp.test(one)),
      not_found: all.filter((one) => !regExp.test(one)),
    };
  });
writeFileSync(FILE, `[\n${cases.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`);
