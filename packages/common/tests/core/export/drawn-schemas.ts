import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { readTopicSchema } from '../../../src/core/schema/model';
import type { ExportSource } from '../../../src/core/export/source';
import { isObject, type JsonObject } from '../../../src/core/json/value';
import type { TopicName } from '../../../src/core/topic';

const topic = 'vehicle.position-2' as TopicName;
const names = fc.constantFrom('id', 'Id', 'x-mode', 'a b', '9th', 'naïve', 'toString', 'default', 'a.b', '"', '*/');
const texts = fc.constantFrom('Plain text.', 'ends it */ here', '{{ config() }} {% raw %}', "it's: #1", 'two\nlines');

const annotated = (field: JsonObject): fc.Arbitrary<JsonObject> =>
  fc.record({ description: texts, 'x-cde': fc.boolean() }, { requiredKeys: [] }).map((more) => ({ ...field, ...more }));

/** Leaves of the normal form: of one type, of several, of any, and JSON text of arrays, maps and free objects. */
const leaves: fc.Arbitrary<JsonObject> = fc
  .constantFrom<JsonObject>(
    { type: 'string' },
    { type: 'string', minLength: 2, pattern: '^a' },
    { type: 'string', format: 'uuid' },
    { type: 'string', format: 'date-time' },
    { type: 'string', format: 'date' },
    { type: 'string', enum: ['on', "it's", '{{ x }}'] },
    { type: 'integer', minimum: 3 },
    { type: 'integer', 'x-type': 'int', enum: [1, 2] },
    { type: 'number' },
    { type: 'number', 'x-type': 'decimal(10,2)', maximum: 5 },
    { type: 'boolean' },
    { const: 'fixed' },
    { type: ['boolean', 'number'] },
    { type: ['integer', 'string'], enum: [1, 'a'] },
    {},
    { type: 'array' },
    { type: 'array', items: { type: 'integer' } },
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'boolean' }], items: false },
    { type: 'array', items: { $ref: '#/$defs/tree' } },
    { type: 'object', 'x-flatten': false },
    { type: 'object', 'x-flatten': false, additionalProperties: { type: 'number' } },
    { type: 'object', 'x-flatten': false, properties: { k: { type: 'string' } }, required: ['k'] },
    { type: ['array', 'object', 'string'], 'x-flatten': false, anyOf: [{ type: 'array' }, { type: 'string' }] },
  )
  .chain(annotated);

const { object } = fc.letrec<{ object: JsonObject; field: JsonObject }>((tie) => ({
  field: fc.oneof({ depthSize: 'small', maxDepth: 2 }, leaves, tie('object')),
  object: fc.dictionary(names, tie('field'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }).chain((properties) =>
    fc
      .record({
        required: fc.subarray(Object.keys(properties)),
        branches: fc.subarray(Object.keys(properties)),
      })
      .map(({ required, branches }) => ({
        type: 'object',
        properties,
        ...(required.length === 0 ? {} : { required }),
        ...(branches.length === 0 ? {} : { anyOf: branches.map((name) => ({ required: [name] })) }),
      })),
  ),
}));

const tree = {
  type: 'object',
  properties: { name: { type: 'string' }, below: { type: 'array', items: { $ref: '#/$defs/tree' } } },
  required: ['name'],
};

/** Topic schemas in normal form. */
export const drawnSchemas: fc.Arbitrary<ExportSource> = fc
  .tuple(object, fc.option(texts, { nil: undefined }))
  .map(([root, description]) => {
    const document = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      ...(description === undefined ? {} : { description }),
      'x-topic': topic,
      'x-version': 3,
      ...root,
      $defs: { tree },
    };
    const text = JSON.stringify(document, null, 2);
    return {
      topic,
      text,
      document,
      schema: readTopicSchema(text, document),
      lake: { databasePrefix: 'lean', bucket: 'lake' },
    };
  });

const VALUES: readonly unknown[] = [
  'on',
  'fixed',
  'other',
  1,
  2,
  4,
  -1,
  true,
  null,
  [],
  ['a', true],
  [1, 2],
  {},
  { k: 'v' },
  { k: 1 },
  [{ name: 'n', below: [] }],
  [{}],
];
const anything = fc.constantFrom(...VALUES);

/** The values of `anything` that suit each leaf, by its JSON text. */
const suiting = new Map<string, readonly unknown[]>();

function suitingValues(leaf: JsonObject): readonly unknown[] {
  const text = JSON.stringify(leaf);
  const known = suiting.get(text);
  if (known !== undefined) return known;
  const validate = new Ajv2020({ strict: false, validateFormats: false, ownProperties: true }).compile({
    ...leaf,
    $defs: { tree },
  });
  const values = VALUES.filter((value) => value !== null && validate(value));
  suiting.set(text, values);
  return values;
}

/** Events of a schema: members that are declared, or missing, and no others in flattened objects, most of them with values that suit. */
export function drawnEvents(node: JsonObject): fc.Arbitrary<unknown> {
  const { properties, required } = node;
  if (node['type'] !== 'object' || !isObject(properties) || node['x-flatten'] === false) {
    const values = suitingValues(node);
    return values.length === 0
      ? anything
      : fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: anything });
  }
  const members = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, drawnEvents(field as JsonObject)])),
    { requiredKeys: Array.isArray(required) ? (required as string[]) : [], noNullPrototype: true },
  );
  const lacking = fc.tuple(members, fc.constantFrom(...Object.keys(properties))).map(([event, name]) => {
    return Object.fromEntries(Object.entries(event as JsonObject).filter(([key]) => key !== name));
  });
  return fc.oneof(
    { weight: 20, arbitrary: members },
    { weight: 1, arbitrary: lacking },
    { weight: 1, arbitrary: anything.filter((value) => !isObject(value)) },
  );
}
