import { isObject, type JsonObject } from '../json/value';
import {
  allowedValues,
  describedAs,
  exportFields,
  JSON_TYPES,
  jsonTypesOf,
  type ExportField,
  type ExportSource,
} from './source';

/** Values in a union of literals; an enum of more is its type alone, which compilers take faster. */
const MAX_LITERALS = 200;
const ANY_OBJECT = '{ readonly [name: string]: unknown }';

/**
 * TypeScript types of the payload, for producers: nested objects, optional members, unions, and enums as literals. What types
 * cannot say (bounds, patterns, formats) is left to `json-schema`. A member that is not required may be null, which the pipeline
 * takes for absent.
 *
 * Every payload that the schema accepts has the type, but for members that the schema does not name: TypeScript refuses them
 * in a literal.
 */
export function toTypeScript(source: ExportSource): string {
  const { topic, schema, document } = source;
  const definitions = isObject(document['$defs']) ? document['$defs'] : {};
  const name = typeName(topic);
  const names = definitionNames(Object.keys(definitions), name);
  const context: Context = { names, flattened: undefined };
  const fields = exportFields(source);
  const members = memberLines(fields, context, '  ');
  const body = members === '' ? ANY_OBJECT : `{\n${members}}`;
  const whole = withBranches(body, document, { names, flattened: fields });
  const head = comment(
    describedAs(document) ?? `Payload of ${topic}.`,
    '',
    `Topic ${topic}, version ${schema.version}.`,
  );
  const defined = Object.entries(definitions).map(
    ([key, node]) =>
      `${comment(describedAs(isObject(node) ? node : {}), '')}export type ${names.get(key) ?? 'unknown'} = ${typeOf(node, context)};\n`,
  );
  return [`${head}export type ${name} = ${whole};\n`, ...defined].join('\n');
}

interface Context {
  /** The TypeScript names of the schema's `$defs`. */
  readonly names: ReadonlyMap<string, string>;
  /**
   * The members of the flattened object that the schema is about: its value is an object, and a null member of it is absent.
   * undefined for a schema of any other value.
   */
  readonly flattened: readonly ExportField[] | undefined;
}

/** A name in the form of TypeScript's types: `TelemetryClimate` for `telemetry.climate`. */
function typeName(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(name) ? name : `T${name}`;
}

function definitionNames(keys: readonly string[], root: string): Map<string, string> {
  const taken = new Set([root]);
  return new Map(
    keys.map((key) => {
      let name = `${root}${typeName(key)}`;
      for (let count = 2; taken.has(name); count += 1) name = `${root}${typeName(key)}${count}`;
      taken.add(name);
      return [key, name];
    }),
  );
}

function memberLines(fields: readonly ExportField[], context: Context, indent: string): string {
  return fields
    .map((field) => {
      const type =
        field.members === undefined
          ? typeOf(withoutNull(field.node), context)
          : withBranches(objectOf(field.members, context, indent), field.node, {
              ...context,
              flattened: field.members,
            });
      const optional = field.required ? '' : '?';
      return `${comment(describedAs(field.node), indent)}${indent}readonly ${member(field.name)}${optional}: ${type}${field.required ? '' : ' | null'};\n`;
    })
    .join('');
}

/** A leaf's schema without null, which the pipeline takes for absence. */
function withoutNull(node: JsonObject): JsonObject {
  const { type = JSON_TYPES, enum: values } = node;
  return { ...node, type, ...(Array.isArray(values) ? { enum: values.filter((value) => value !== null) } : {}) };
}

function objectOf(members: readonly ExportField[], context: Context, indent: string): string {
  const lines = memberLines(members, context, `${indent}  `);
  return lines === '' ? ANY_OBJECT : `{\n${lines}${indent}}`;
}

/** A doc comment, with a blank where a text would end it; empty without a text. */
function comment(text: string | undefined, indent: string, more?: string): string {
  const lines = [text, more].flatMap((one) => one?.split(/\r\n|[\r\n\u2028\u2029]/) ?? []);
  if (lines.length === 0) return '';
  const safe = lines.map((line) => line.replaceAll('*/', '* /'));
  return safe.length === 1
    ? `${indent}/** ${safe[0] ?? ''} */\n`
    : `${indent}/**\n${safe.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

function member(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** The type of a whole schema: what its own words say, and what its branches say besides. */
function typeOf(schema: unknown, context: Context): string {
  if (schema === false) return 'never';
  if (!isObject(schema)) return 'unknown';
  return withBranches(ownType(schema, context), schema, context);
}

function ownType(schema: JsonObject, context: Context): string {
  const reference = referenceType(schema['$ref'], context);
  const allowed = allowedValues(schema);
  const literals = allowed === undefined ? undefined : literalUnion(allowed);
  const own = literals ?? typesUnion(schema, context);
  if (reference === undefined) return own;
  return own === 'unknown' ? reference : `${reference} & (${own})`;
}

function referenceType(reference: unknown, { names }: Context): string | undefined {
  if (typeof reference !== 'string') return undefined;
  const key = /^#\/\$defs\/([^/]*)$/.exec(reference)?.[1];
  const name = key === undefined ? undefined : names.get(decode(key).replaceAll('~1', '/').replaceAll('~0', '~'));
  return name ?? 'unknown';
}

function decode(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** The values as literals; undefined where they are too many, or one of them is a container. */
function literalUnion(values: readonly unknown[]): string | undefined {
  if (values.length > MAX_LITERALS || values.some((value) => typeof value === 'object' && value !== null))
    return undefined;
  // A number that is past the doubles has no literal.
  if (values.some((value) => typeof value === 'number' && !Number.isFinite(value))) return undefined;
  const literals = [...new Set(values.map((value) => JSON.stringify(value)))];
  return literals.length === 0 ? 'never' : literals.join(' | ');
}

function typesUnion(schema: JsonObject, context: Context): string {
  const types = new Set(jsonTypesOf(schema));
  if (context.flattened !== undefined) return types.has('object') ? objectType(schema, context) : 'never';
  const takesNull =
    schema['type'] === undefined ||
    schema['type'] === 'null' ||
    (Array.isArray(schema['type']) && schema['type'].includes('null'));
  if (types.size === JSON_TYPES.length && takesNull && !describesContainers(schema)) return 'unknown';
  const texts = [
    ...(types.has('string') ? ['string'] : []),
    ...(types.has('number') || types.has('integer') ? ['number'] : []),
    ...(types.has('boolean') ? ['boolean'] : []),
    ...(types.has('array') ? [arrayType(schema, context)] : []),
    ...(types.has('object') ? [objectType(schema, context)] : []),
    ...(takesNull ? ['null'] : []),
  ];
  return texts.length === 0 ? 'never' : texts.join(' | ');
}

function describesContainers(schema: JsonObject): boolean {
  return ['items', 'prefixItems', 'properties', 'required', 'additionalProperties'].some(
    (word) => schema[word] !== undefined,
  );
}

function arrayType(schema: JsonObject, context: Context): string {
  const { items, prefixItems } = schema;
  if (!Array.isArray(prefixItems)) return `readonly ${elements(items, context)}[]`;
  const first = prefixItems.map((item) => `(${typeOf(item, context)})?`);
  const rest = items === false ? [] : [`...${elements(items, context)}[]`];
  return `readonly [${[...first, ...rest].join(', ')}]`;
}

function elements(items: unknown, context: Context): string {
  const type = items === undefined ? 'unknown' : typeOf(items, context);
  return /^\w+$/.test(type) ? type : `(${type})`;
}

function objectType(schema: JsonObject, context: Context): string {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const listed = new Set(required.filter((name) => typeof name === 'string'));
  const { additionalProperties, patternProperties } = schema;
  const { flattened } = context;
  const named = Object.entries(properties).map(([name, node]) => {
    const type = typeOf(node, { ...context, flattened: flattened?.find((field) => field.name === name)?.members });
    if (listed.has(name)) return `readonly ${member(name)}: ${type}`;
    return `readonly ${member(name)}?: ${type}${flattened === undefined ? '' : ' | null'}`;
  });
  const others = [...listed]
    .filter((name) => !Object.hasOwn(properties, name))
    .map((name) => `readonly ${member(name)}: unknown`);
  const closed = additionalProperties === false && patternProperties === undefined;
  // An index signature holds for the named members as well, so it can say more than `unknown` only where there are none.
  const mapped =
    isObject(additionalProperties) && patternProperties === undefined && named.length === 0 && others.length === 0;
  // The members of a flattened object are declared around it.
  const open =
    closed || flattened !== undefined
      ? []
      : [`readonly [name: string]: ${mapped ? typeOf(additionalProperties, context) : 'unknown'}`];
  const lines = [...named, ...others, ...open];
  if (lines.length === 0) return closed ? '{ readonly [name: string]: never }' : 'unknown';
  return `{ ${lines.join('; ')} }`;
}

/** The type beside what allOf, anyOf and oneOf say: each of the first, and one of the others. */
function withBranches(own: string, schema: JsonObject, context: Context): string {
  const lists = (word: string): readonly unknown[] =>
    Array.isArray(schema[word]) ? (schema[word] as readonly unknown[]) : [];
  const every = lists('allOf').map((branch) => typeOf(branch, context));
  const some = ['anyOf', 'oneOf'].flatMap((word) => {
    const branches = lists(word).map((branch) => typeOf(branch, context));
    return branches.length === 0 ? [] : [[...new Set(branches)].map((branch) => `(${branch})`).join(' | ')];
  });
  const parts = [...every, ...some].filter(
    (part) => part !== 'unknown' && part !== '(unknown)' && !part.split(' | ').includes('(unknown)'),
  );
  if (parts.length === 0) return own;
  return [
    ...(own === 'unknown' ? [] : [own.includes(' | ') ? `(${own})` : own]),
    ...parts.map((part) => `(${part})`),
  ].join(' & ');
}
