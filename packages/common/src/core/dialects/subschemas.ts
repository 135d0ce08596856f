import { isObject, type JsonObject } from '../json/value';

/** Keywords of all drafts by what they hold: one schema, a list of them, or schemas by name. */
const ONE = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const BY_NAME = new Set([
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
]);

/** A schema inside another one, and the steps that lead to it. */
export interface Subschema {
  readonly steps: readonly [string] | readonly [string, string | number];
  readonly schema: JsonObject | boolean;
}

export function isSchema(value: unknown): value is JsonObject | boolean {
  return typeof value === 'boolean' || isObject(value);
}

/** How the value of a keyword holds schemas; undefined where it holds none. */
export function holds(word: string, value: unknown): 'one' | 'list' | 'by name' | undefined {
  if (ONE.has(word) && isSchema(value)) return 'one';
  if (LIST.has(word) && Array.isArray(value)) return 'list';
  return BY_NAME.has(word) && isObject(value) ? 'by name' : undefined;
}

/** The schemas directly inside one, at the places where any draft has schemas. */
export function subschemas(node: JsonObject): Subschema[] {
  return Object.entries(node).flatMap(([word, value]): Subschema[] => {
    switch (holds(word, value)) {
      case 'one':
        return [{ steps: [word], schema: value as JsonObject | boolean }];
      case 'list':
        return (value as unknown[]).flatMap((schema, index) =>
          isSchema(schema) ? [{ steps: [word, index], schema }] : [],
        );
      case 'by name':
        return Object.entries(value as JsonObject).flatMap(([name, schema]) =>
          isSchema(schema) ? [{ steps: [word, name], schema }] : [],
        );
      case undefined:
        return [];
    }
  });
}
