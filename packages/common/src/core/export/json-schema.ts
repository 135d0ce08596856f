import { editJson, type JsonEdit } from '../json/edit-text';
import { isObject, pointerTo } from '../json/value';
import type { ExportSource } from './source';

/** Keywords whose value is one schema. */
const ONE = ['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'] as const;
/** Keywords whose value is a list of schemas. */
const LISTS = ['prefixItems', 'allOf', 'anyOf', 'oneOf'] as const;
/** Keywords whose value has schemas by name. */
const NAMED = ['properties', 'patternProperties', 'dependentSchemas', '$defs'] as const;

/** The other keywords of 2020-12 that a schema in normal form may have. `$id` is none of them: its references are of the document. */
const OTHERS: readonly string[] = [
  '$schema',
  '$ref',
  '$comment',
  'title',
  'description',
  'default',
  'deprecated',
  'readOnly',
  'writeOnly',
  'examples',
  'contentEncoding',
  'contentMediaType',
  'type',
  'enum',
  'const',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minContains',
  'maxContains',
  'required',
  'minProperties',
  'maxProperties',
  'dependentRequired',
];
const KEYWORDS: ReadonlySet<string> = new Set([...ONE, ...LISTS, ...NAMED, ...OTHERS]);

/** The types of annotations, as the meta-schema has them: a topic schema may hold anything there. */
const ANNOTATIONS: Readonly<Record<string, (value: unknown) => boolean>> = {
  $comment: (value) => typeof value === 'string',
  title: (value) => typeof value === 'string',
  description: (value) => typeof value === 'string',
  contentEncoding: (value) => typeof value === 'string',
  contentMediaType: (value) => typeof value === 'string',
  deprecated: (value) => typeof value === 'boolean',
  readOnly: (value) => typeof value === 'boolean',
  writeOnly: (value) => typeof value === 'boolean',
  examples: Array.isArray,
};

/**
 * The schema as plain JSON Schema 2020-12: every assertion, title and description, and neither our own words nor any other
 * that is no keyword, which validators in strict mode refuse. Only words at the places of schemas go; a member of an event
 * may have any name.
 *
 * @returns the text, in which everything else is as it was
 */
export function toJsonSchema({ text, document }: Pick<ExportSource, 'text' | 'document'>): string {
  return editJson(text, foreignWords(document, ''));
}

function foreignWords(node: unknown, pointer: string): JsonEdit[] {
  if (!isObject(node)) return [];
  const foreign = Object.keys(node).filter(
    (word) => !KEYWORDS.has(word) || (Object.hasOwn(ANNOTATIONS, word) && ANNOTATIONS[word]?.(node[word]) === false),
  );
  const inner = [
    ...ONE.flatMap((word) => foreignWords(node[word], pointerTo(pointer, word))),
    ...[...LISTS, ...NAMED].flatMap((word) => {
      const value = node[word];
      if (!Array.isArray(value) && !isObject(value)) return [];
      return Object.entries(value).flatMap(([name, schema]) => foreignWords(schema, pointerTo(pointer, word, name)));
    }),
  ];
  return [...foreign.map((word): JsonEdit => ({ kind: 'remove', pointer: pointerTo(pointer, word) })), ...inner];
}
