import fc from 'fast-check';
import { without } from '../../../src/core/keywords/words';
import type { JsonObject } from '../../../src/core/json/value';
import { topicSchema } from '../../../src/testing';

/** The names of members and the values are few, so that what schemas say of them collides. */
const NAMES = ['a', 'b', 'c'] as const;
const name = fc.constantFrom(...NAMES);
const someNames = fc.uniqueArray(name, { minLength: 1, maxLength: 2 });
const bound = fc.integer({ min: 0, max: 2 });
const scalar = fc.constantFrom<unknown>(0, 1, 2, 0.5, 'a', 'b', 'ab', true, false);
const type = fc.constantFrom('string', 'integer', 'number', 'boolean', 'array', 'object');

/** JSON values without null, which counts as absent in columns. */
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: scalar },
    fc.array(tie('any'), { maxLength: 3 }),
    { weight: 3, arbitrary: fc.dictionary(name, tie('any'), { maxKeys: 3 }) },
  ),
}));
export const value = values.any;
export const payload = fc.dictionary(name, value, { maxKeys: 3 });

const WORDS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }),
  const: scalar,
  minimum: bound,
  maximum: bound,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: fc.constantFrom(1, 2, 0.5),
  minLength: bound,
  maxLength: bound,
  pattern: fc.constantFrom('^a', 'b$', '^a$|^b$'),
  minItems: bound,
  maxItems: bound,
  uniqueItems: fc.boolean(),
  minProperties: bound,
  maxProperties: bound,
};

const aFew = (words: Readonly<Record<string, fc.Arbitrary<unknown>>>, most: number): fc.Arbitrary<JsonObject> =>
  fc
    .subarray(Object.keys(words), { maxLength: most })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((word) => [word, words[word] ?? fc.constant(1)]))));

const typed = fc.oneof(
  { weight: 4, arbitrary: type.map((one): JsonObject => ({ type: one })) },
  fc.uniqueArray(fc.oneof(type, fc.constant('null')), { minLength: 2, maxLength: 3 }).map((list) => ({ type: list })),
  fc.constant({}),
);
const leaf = fc.tuple(typed, aFew(WORDS, 2)).map(([one, words]): JsonObject => ({ ...one, ...words }));

const nodes = fc.letrec<{ node: JsonObject; object: JsonObject; mixed: JsonObject }>((tie) => {
  const node = tie('node');
  const list = fc.array(node, { minLength: 1, maxLength: 3 });
  const properties = fc.dictionary(name, node, { minKeys: 1, maxKeys: 3 });
  const ofObjects = {
    required: someNames,
    additionalProperties: fc.oneof({ weight: 3, arbitrary: fc.boolean() }, node),
    minProperties: bound,
    maxProperties: bound,
    dependentRequired: fc.dictionary(name, someNames, { minKeys: 1, maxKeys: 2 }),
    dependentSchemas: fc.dictionary(name, node, { minKeys: 1, maxKeys: 1 }),
    propertyNames: leaf,
    patternProperties: fc.record({ '^[ab]$': node }),
  };
  const ofArrays = { items: node, prefixItems: list, contains: node, minContains: bound, maxContains: bound };
  const inPlace = { allOf: list, anyOf: list, oneOf: list, not: node, if: node, then: node, else: node };
  return {
    object: fc
      .tuple(properties, aFew(ofObjects, 2), aFew(inPlace, 1))
      .map(([fields, words, more]): JsonObject => ({ type: 'object', properties: fields, ...words, ...more })),
    mixed: fc
      .tuple(typed, aFew({ ...WORDS, ...ofObjects, ...ofArrays, ...inPlace, properties }, 3))
      .map(([one, words]): JsonObject => ({ ...one, ...words })),
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { weight: 3, arbitrary: leaf },
      fc.constantFrom('one', 'other').map((to): JsonObject => ({ $ref: `#/$defs/${to}` })),
      tie('object'),
      tie('mixed'),
    ),
  };
});
export const subschema = nodes.node;

/** Schemas of topics as authors may write them; some of them are refused. */
export const authorSchemas: fc.Arbitrary<JsonObject> = fc
  .tuple(nodes.object, nodes.node, nodes.node)
  .map(([root, one, other]) => {
    const { additionalProperties } = root;
    const rest = without(root, 'additionalProperties', 'propertyNames', 'patternProperties');
    return topicSchema({
      required: [],
      ...rest,
      ...(typeof additionalProperties === 'boolean' && { additionalProperties }),
      $defs: { one, other },
    });
  });
