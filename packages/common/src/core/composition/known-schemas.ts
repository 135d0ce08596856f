/** JSON Schema's own schemas, which real files refer to where a value is a schema itself. */
import draft6 from 'ajv/dist/refs/json-schema-draft-06.json';
import draft7 from 'ajv/dist/refs/json-schema-draft-07.json';
import { isObject, type JsonObject } from '../json/value';

/** Nothing checks that a text is a regular expression, so what says so is left out: drafts 06 and 07 leave formats to the reader. */
function withoutFormat(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutFormat);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([word, one]) => word !== 'format' || one !== 'regex')
      .map(([word, one]) => [word, withoutFormat(one)]),
  );
}

const KNOWN: ReadonlyMap<string, readonly [name: string, schema: JsonObject]> = new Map([
  ['http://json-schema.org/draft-06/schema', ['json-schema-draft-06', draft6]],
  ['http://json-schema.org/draft-07/schema', ['json-schema-draft-07', draft7]],
]);

/** A document with the schemas of JSON Schema that it refers to, under the word that its dialect has for definitions. */
export function withKnownSchemas(document: JsonObject): JsonObject {
  const wanted = new Set<string>();
  const look = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(look);
    else if (isObject(value)) {
      const address =
        typeof value['$ref'] === 'string' ? value['$ref'].replace(/^https:/, 'http:').split('#')[0] : undefined;
      if (address !== undefined && KNOWN.has(address)) wanted.add(address);
      Object.values(value).forEach(look);
    }
  };
  look(document);
  if (wanted.size === 0) return document;
  const word = isObject(document['definitions']) ? 'definitions' : '$defs';
  const defined = isObject(document[word]) ? document[word] : {};
  const added = [...wanted].flatMap((address) => {
    const known = KNOWN.get(address);
    return known === undefined || Object.hasOwn(defined, known[0])
      ? []
      : [[known[0], withoutFormat(known[1])] as const];
  });
  return { ...document, [word]: { ...defined, ...Object.fromEntries(added) } };
}
