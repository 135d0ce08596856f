import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { isObject, type JsonObject } from '../../../src/core/json/value';
import { checkSchema, type SchemaCheck } from '../../../src/core/composition/check';
import { isFlattened, typesOf } from '../../../src/core/schema/model';
import { typeOfValue } from '../../../src/core/keywords/types';
import { budget } from '../../../src/testing';
import { authorSchemas, payload } from './arbitraries';

const TOPIC = { topic: 'telemetry.climate' };
const numRuns = budget({ eachRun: 150, thorough: 3_000 });
const accepted = (schema: JsonObject): Extract<SchemaCheck, { ok: true }> => {
  const result = checkSchema(JSON.stringify(schema), TOPIC);
  fc.pre(result.ok);
  return result;
};

const validator = (schema: JsonObject) =>
  new Ajv2020({ strict: false, validateFormats: false, validateSchema: false, logger: false }).compile(schema);

/** ajv never ends with definitions that lead to themselves, also where no value is judged by them. */
function compiled(schema: JsonObject): ReturnType<typeof validator> {
  try {
    return validator(schema);
  } catch (error) {
    fc.pre(!(error instanceof RangeError));
    throw error;
  }
}

/** Whether every value of a payload is of a type that its column holds, and an object stands where members have columns. */
function fits(value: unknown, field: JsonObject): boolean {
  if (!isFlattened(field)) {
    const type = typeOfValue(value);
    const types = typesOf(field);
    return type !== undefined && (types.includes(type) || (type === 'integer' && types.includes('number')));
  }
  const properties = field['properties'];
  return (
    isObject(value) &&
    isObject(properties) &&
    Object.entries(value).every(([name, inner]) => {
      const member = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return !isObject(member) || fits(inner, member);
    })
  );
}

describe('the normal form', () => {
  it('says of every payload what the author has said', () => {
    fc.assert(
      fc.property(authorSchemas, fc.array(payload, { minLength: 1, maxLength: 12 }), (schema, payloads) => {
        const { document } = accepted(schema);
        const author = compiled(schema);
        const normal = validator(document);
        const fitting = payloads.filter((one) => fits(one, document));
        const verdicts = fitting.map((one) => [one, author(one)]);
        expect(fitting.map((one) => [one, normal(one)])).toEqual(verdicts);
      }),
      { numRuns },
    );
  });

  it('is the same of itself, to the byte', () => {
    fc.assert(
      fc.property(authorSchemas, (schema) => {
        const once = accepted(schema);
        const twice = checkSchema(once.text, TOPIC);
        expect(twice).toMatchObject({ ok: true, text: once.text });
      }),
      { numRuns },
    );
  });
});
