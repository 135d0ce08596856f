import fc from 'fast-check';
import type { JsonObject } from '../../../src/core/json/value';
import { URIS, type DraftNumber } from './ajv-of-drafts';

const NAMES = ['a', 'b', 'items', '$ref', 'x/y~z'] as const;
const name = fc.constantFrom(...NAMES);
const bound = fc.integer({ min: -2, max: 2 });
const count = fc.integer({ min: 0, max: 2 });

/** Values that schemas of {@link draftSchema} tell apart. */
export const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, false, -2, -1, 0, 0.5, 1, 2, '', 'a', 'items'),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(name, tie('any'), { maxKeys: 3 }),
  ),
})).any;

/** A schema in the words of a draft, with references to definitions and to its own members. */
export function draftSchema(draft: DraftNumber): fc.Arbitrary<JsonObject> {
  const holder = draft >= 2019 ? '$defs' : 'definitions';
  const leafs: Record<string, fc.Arbitrary<unknown>> = {
    type: fc.constantFrom('string', 'integer', 'number', 'object', 'array', ['string', 'null']),
    enum: fc.uniqueArray(fc.constantFrom(0, 1, 'a', true, null), { minLength: 1, maxLength: 3 }),
    minimum: bound,
    maximum: bound,
    multipleOf: fc.constantFrom(1, 2),
    minLength: count,
    pattern: fc.constantFrom('^a', 's$'),
    minItems: count,
    maxItems: count,
    uniqueItems: fc.boolean(),
    minProperties: count,
    required: fc.uniqueArray(name, { minLength: 1, maxLength: 2 }),
    default: fc.constantFrom({ items: [{ $ref: '#/nowhere' }] }, 1),
    title: fc.constant('a title'),
    examples: fc.constant([{ definitions: {} }]),
    ...(draft === 4
      ? { exclusiveMinimum: fc.boolean(), exclusiveMaximum: fc.boolean() }
      : { exclusiveMinimum: bound, exclusiveMaximum: bound, const: fc.constantFrom(0, 'a', { items: [] }) }),
  };
  const plain = fc.record(leafs, { requiredKeys: [] }).map(withBounds(draft));
  const { schema } = fc.letrec<{ schema: JsonObject; node: JsonObject }>((tie) => {
    const inner = tie('schema');
    const open = fc.oneof(fc.boolean(), inner);
    const list = fc.array(inner, { minLength: 1, maxLength: 2 });
    const byName = fc.dictionary(name, inner, { maxKeys: 2 });
    const applicators = {
      properties: byName,
      patternProperties: fc.record({ '^[ab]$': inner }),
      additionalProperties: open,
      allOf: list,
      anyOf: list,
      oneOf: list,
      not: inner,
      ...(draft <= 2019 && { items: fc.oneof(inner, list), additionalItems: open }),
      ...(draft === 2020 && { prefixItems: list, items: open }),
      ...(draft >= 6 && { contains: inner, propertyNames: inner }),
      ...(draft >= 7 && { if: inner, then: inner, else: inner }),
      ...(draft <= 7 && {
        dependencies: fc.dictionary(name, fc.oneof(inner, fc.uniqueArray(name, { minLength: 1, maxLength: 2 })), {
          maxKeys: 2,
        }),
      }),
      ...(draft >= 2019 && {
        dependentSchemas: byName,
        dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
      }),
    };
    const words: Record<string, fc.Arbitrary<unknown>> = { ...leafs, ...applicators };
    const node = fc
      .uniqueArray(fc.constantFrom(...Object.keys(words)), { minLength: 1, maxLength: 4 })
      .chain((chosen) => fc.record(Object.fromEntries(chosen.map((word) => [word, words[word] ?? fc.constant(1)]))))
      .map(withBounds(draft));
    const ref = fc
      .record({ $ref: fc.constantFrom(`#/${holder}/first`, `#/${holder}/a~1b%20c`, '#/elsewhere/deep') })
      .chain((one) =>
        fc.oneof(
          fc.constant(one),
          node.map((beside) => ({ ...beside, ...one })),
        ),
      );
    return { node, schema: fc.oneof({ maxDepth: 2, withCrossShrink: true }, plain, ref, tie('node')) };
  });
  return fc
    .record({ schema, first: plain, second: plain, deep: plain })
    .map(({ schema: body, first, second, deep }) => ({
      $schema: URIS[draft],
      [holder]: { first, 'a/b c': second },
      // A root that is but a reference would ignore everything else.
      allOf: [body],
      elsewhere: { deep },
    }));
}

/** Draft-04's meta-schema wants a bound beside the flag that excludes it. */
function withBounds(draft: DraftNumber): (schema: JsonObject) => JsonObject {
  return (schema) =>
    draft === 4
      ? {
          ...('exclusiveMinimum' in schema && { minimum: 0 }),
          ...('exclusiveMaximum' in schema && { maximum: 1 }),
          ...schema,
        }
      : schema;
}
