/**
 * Writes tests/conformance/patterns.json: random patterns and texts with JavaScript's answers, to which the engines
 * that validate rows are held. Run `npx tsx packages/common/tests/core/pattern/vectors.ts`; it writes the same file
 * every time.
 */
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { safePattern, text } from './arbitraries';

const FILE = path.resolve(import.meta.dirname, '../../../../../tests/conformance/patterns.json');
/** Patterns with a loop over a group, which engines run in the most different ways. They are half of all vectors. */
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
