/** Conditions that are made of others, for schemas at a leaf and at an object alike. */
import { isObject, pointerTo } from '../json/value';
import { allOf, anyOf, not } from './boolean-sql';
import { MAX_STATEMENT_BYTES, ValidationTooLongError } from './too-long';
import type { SchemaAt, ValidationSchema } from './validation-schema';

/** SQL that is true or false and never NULL; undefined where no statement can say exactly whether a schema holds. */
export type Condition = string | undefined;

/** Levels of schemas in place that are followed; the meta-schema allows fewer. */
const MAX_LEVELS = 100;

/** Whether a schema holds in one place, and whether one of its keywords does. */
export interface PlaceConditions {
  readonly at: (schema: SchemaAt) => Condition;
  /** Says TRUE of a keyword that the schema lacks. */
  readonly keyword: (schema: SchemaAt, keyword: string) => Condition;
}

/**
 * Makes the conditions of a place.
 *
 * @param column the place, for the error
 * @param own the conditions of keywords that are about the place itself; `type` is one of them
 * @throws ValidationTooLongError for a schema that says more than fits a statement
 */
export function placeConditions(
  schema: Pick<ValidationSchema, 'definition' | 'has'>,
  column: string,
  keywords: readonly string[],
  own: (at: SchemaAt, keyword: string) => Condition,
): PlaceConditions {
  // What is said of the same place by the same words is written once, however many references lead to it.
  const known = new Map<string, Condition>();
  let levels = 0;

  function at(one: SchemaAt): Condition {
    if (typeof one.schema === 'boolean') return one.schema ? 'TRUE' : 'FALSE';
    if (!isObject(one.schema) || levels > MAX_LEVELS) return undefined;
    if (!known.has(one.pointer)) {
      levels += 1;
      const found = every(keywords.map((word) => keyword(one, word)));
      levels -= 1;
      if ((found?.length ?? 0) > MAX_STATEMENT_BYTES) throw new ValidationTooLongError([column]);
      known.set(one.pointer, found);
    }
    return known.get(one.pointer);
  }

  function keyword(one: SchemaAt, word: string): Condition {
    if (!schema.has(one, word)) return 'TRUE';
    switch (word) {
      case 'allOf':
        return every(listed(one, word).map(at));
      case 'anyOf':
        return some(listed(one, word).map(at));
      case 'oneOf':
        return exactlyOne(listed(one, word).map(at));
      case 'not':
        return negated(at(within(one, word)));
      case 'if': {
        const condition = at(within(one, word));
        const [then, otherwise] = ['then', 'else'].map((branch) =>
          schema.has(one, branch) ? at(within(one, branch)) : 'TRUE',
        );
        return every([implied(condition, then), some([condition, otherwise])]);
      }
      case '$ref': {
        const target = schema.definition(String(valueOf(one, word)));
        return target === undefined ? undefined : at(target);
      }
      default:
        return own(one, word);
    }
  }

  return { at, keyword };
}

export function valueOf({ schema }: SchemaAt, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, segment) => (value as Record<string | number, unknown>)[segment], schema);
}

/** What a schema has at a path. */
export function within(schema: SchemaAt, ...path: readonly (string | number)[]): SchemaAt {
  return { schema: valueOf(schema, ...path), pointer: pointerTo(schema.pointer, ...path) };
}

export function listed(schema: SchemaAt, keyword: string): SchemaAt[] {
  return (valueOf(schema, keyword) as unknown[]).map((_, index) => within(schema, keyword, index));
}

export function every(conditions: readonly Condition[]): Condition {
  if (conditions.includes('FALSE')) return 'FALSE';
  return conditions.includes(undefined) ? undefined : allOf(conditions as string[]);
}

export function some(conditions: readonly Condition[]): Condition {
  if (conditions.includes('TRUE')) return 'TRUE';
  return conditions.includes(undefined) ? undefined : anyOf(conditions as string[]);
}

export function negated(condition: Condition): Condition {
  return condition === undefined ? undefined : not(condition);
}

export function implied(condition: Condition, then: Condition): Condition {
  return some([negated(condition), then]);
}

function exactlyOne(conditions: readonly Condition[]): Condition {
  if (conditions.includes(undefined)) return undefined;
  const possible = conditions.filter((one) => one !== 'FALSE');
  if (possible.length < 2) return possible[0] ?? 'FALSE';
  return `(${possible.map((one) => `CASE WHEN ${one} THEN 1 ELSE 0 END`).join(' + ')} = 1)`;
}
