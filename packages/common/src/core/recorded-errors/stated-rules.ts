/** Where a topic's schema states the rule that a message broke. */
import { isObject, pointerTo, valueAt, type JsonObject } from '../json/value';
import { readValidationSchema } from '../validation-sql/validation-schema';
import type { ViolatedRule } from './fingerprint';

/**
 * - `stated`: the pointer leads to the keyword.
 * - `changed`: the schema has the field, and states no such rule of it any more; the pointer leads to the field.
 * - `no field`: the schema has no field of this column.
 */
export type StatedRule = ViolatedRule & { readonly pointer: string; readonly state: 'stated' | 'changed' | 'no field' };

/**
 * Finds the rules in a schema. A column that was renamed since is found by its former name.
 *
 * @param text the text of a schema that checkSchema accepts
 * @param document the same text as JSON.parse reads it
 */
export function statedRules(text: string, document: JsonObject, rules: readonly ViolatedRule[]): StatedRule[] {
  const { fields, objects, root } = readValidationSchema(text, document);
  return rules.map((one) => {
    const item =
      [...fields, ...objects, root].find(({ column }) => column === one.column) ??
      fields.find(({ formerColumns }) => formerColumns.some(({ column }) => column === one.column));
    if (item === undefined) return { ...one, pointer: '', state: 'no field' };
    const pointer = keywordPointer(document, item.pointer, one.rule);
    return pointer === undefined
      ? { ...one, pointer: item.pointer, state: 'changed' }
      : { ...one, pointer, state: 'stated' };
  });
}

function keywordPointer(document: JsonObject, pointer: string, rule: string): string | undefined {
  const field = valueAt(document, pointer);
  if (!isObject(field)) return undefined;
  if (rule === 'required') {
    return field['x-cde'] === true ? pointerTo(pointer, 'x-cde') : requiredPointer(document, pointer);
  }
  const words: Readonly<Record<string, string>> = { type: 'x-type', opaque: 'x-flatten' };
  const word = words[rule];
  const keyword = word !== undefined && Object.hasOwn(field, word) ? word : rule;
  return Object.hasOwn(field, keyword) ? pointerTo(pointer, keyword) : undefined;
}

/** The pointer to the field's name in the list `required` of the object around it. */
function requiredPointer(document: JsonObject, pointer: string): string | undefined {
  const [, around = '', name = ''] = /^(.*)\/properties\/([^/]*)$/.exec(pointer) ?? [];
  const names = valueAt(document, pointerTo(around, 'required'));
  if (!Array.isArray(names)) return undefined;
  const at = names.findIndex((one) => typeof one === 'string' && pointerTo('', one) === `/${name}`);
  return at === -1 ? undefined : pointerTo(around, 'required', at);
}
