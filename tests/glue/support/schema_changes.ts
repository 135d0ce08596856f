/**
 * What `lean-ops schema diff` and schema-validator say of pairs of schemas, for tests in Python: JSON in and out.
 * In: [[active (text), candidate (text)]]. Out: for each, the codes for which the two are refused by themselves, the
 * changes, and the codes for which the candidate may not follow.
 */
import { readFileSync } from 'node:fs';
import { checkSchema, compareSchemas } from '../../../packages/common/src/core';

const pairs = JSON.parse(readFileSync(0, 'utf8')) as readonly (readonly [string, string])[];
const answers = pairs.map((texts) => {
  const [active, candidate] = texts.map((text) => checkSchema(text));
  if (active?.ok !== true || candidate?.ok !== true) {
    const refused = [active, candidate].flatMap((check) => (check?.ok === false ? check.problems : []));
    return { refused: refused.map(({ code }) => code), changes: [], problems: [] };
  }
  const { changes, problems } = compareSchemas(active.schema, candidate.schema);
  return {
    refused: [],
    changes: changes.map(({ kind, impact, column, sentence }) => ({ kind, impact, column, sentence })),
    problems: problems.map(({ code }) => code),
  };
});
process.stdout.write(JSON.stringify(answers));
