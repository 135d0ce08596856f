import { isObject } from '../json/value';
import { listed, valueOf, within } from './in-place';
import type { SchemaAt, ValidationSchema } from './validation-schema';

/** Levels of schemas that are followed; the meta-schema allows fewer. */
const MAX_LEVELS = 100;

/**
 * Whether a schema holds for `{}`. An object that came in the place of a leaf has lost its text, so nothing is known of its
 * members, and it is judged as an object without any.
 */
export function emptyObjectIsValid(schema: Pick<ValidationSchema, 'definition' | 'has'>, at: SchemaAt): boolean {
  // References may lead to the same schema in very many ways.
  const known = new Map<string, boolean>();
  const holds = (one: SchemaAt, levels: number): boolean => {
    const found =
      known.get(one.pointer) ?? isValid(schema, one, (inner) => levels < MAX_LEVELS && holds(inner, levels + 1));
    known.set(one.pointer, found);
    return found;
  };
  return holds(at, 0);
}

function isValid(
  schema: Pick<ValidationSchema, 'definition' | 'has'>,
  at: SchemaAt,
  holds: (inner: SchemaAt) => boolean,
): boolean {
  if (!isObject(at.schema)) return at.schema === true;
  const has = (keyword: string): boolean => schema.has(at, keyword);
  const isEmpty = (value: unknown): boolean => isObject(value) && Object.keys(value).length === 0;
  const count = (keyword: string): number => listed(at, keyword).filter(holds).length;
  const target = has('$ref') ? schema.definition(String(valueOf(at, '$ref'))) : undefined;
  const branch = has('if') && holds(within(at, 'if')) ? 'then' : 'else';
  return (
    (!has('type') || [valueOf(at, 'type')].flat().includes('object')) &&
    (!has('enum') || (valueOf(at, 'enum') as unknown[]).some(isEmpty)) &&
    (!has('const') || isEmpty(valueOf(at, 'const'))) &&
    (!has('required') || (valueOf(at, 'required') as unknown[]).length === 0) &&
    (!has('minProperties') || Number(valueOf(at, 'minProperties')) <= 0) &&
    (!has('allOf') || listed(at, 'allOf').every(holds)) &&
    (!has('anyOf') || listed(at, 'anyOf').some(holds)) &&
    (!has('oneOf') || count('oneOf') === 1) &&
    (!has('not') || !holds(within(at, 'not'))) &&
    (!has('if') || !has(branch) || holds(within(at, branch))) &&
    (target === undefined || holds(target))
  );
}
