import { editJson, type JsonEdit } from '../json/edit-text';
import { isObject, pointerTo } from '../json/value';
import type { ExportSource } from './source';

/** Keywords whose value is one schema. */
const ONE = ['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'] as const;
/** Keywords whose value is a list of schemas. */
const LISTS = ['prefixItems', 'allOf', 'anyOf', 'oneOf'] as const;
/** Keywords whose value has schemas by name. */
const NAMED = ['properties', 'patternProperties', 'dependentSchemas', '$defs'] as const;

/**
 * The schema as plain JSON Schema 2020-12: every assertion, title and description, and none of our own words, which
 * validators in strict mode refuse. Only words at the places of schemas go; a member of an event may be named `x-…`.
 *
 * @returns the text, in which everything else is as it was
 */
export function toJsonSchema({ text, document }: Pick<ExportSource, 'text' | 'document'>): string {
  return editJson(text, ownWords(document, ''));
}

function ownWords(node: unknown, pointer: string): JsonEdit[] {
  if (!isObject(node)) return [];
  const own = Object.keys(node).filter((word) => word.startsWith('x-'));
  const inner = [
    ...ONE.flatMap((word) => ownWords(node[word], pointerTo(pointer, word))),
    ...[...LISTS, ...NAMED].flatMap((word) => {
      const value = node[word];
      if (!Array.isArray(value) && !isObject(value)) return [];
      return Object.entries(value).flatMap(([name, schema]) => ownWords(schema, pointerTo(pointer, word, name)));
    }),
  ];
  return [...own.map((word): JsonEdit => ({ kind: 'remove', pointer: pointerTo(pointer, word) })), ...inner];
}
