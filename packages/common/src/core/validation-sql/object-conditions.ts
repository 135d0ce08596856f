/**
 * Whether a schema holds for an object whose members are columns, as SQL over those columns. The twin is
 * scripts/glue/lean_ops/validation/row_conditions.py, which says what each keyword means there;
 * tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { isObject } from '../json/value';
import { columnName } from '../schema/columns';
import { not } from './boolean-sql';
import { every, implied, placeConditions, valueOf, within, type Condition, type PlaceConditions } from './in-place';
import { leafConditions, leafIsThere, type LeafSql } from './leaf-conditions';
import {
  OBJECT_ASSERTIONS,
  type RuleKeyword,
  type SchemaAt,
  type ValidationField,
  type ValidationObject,
  type ValidationSchema,
} from './validation-schema';

type Place = ValidationField | ValidationObject;

/** The columns of a row as conditions read them. What is asked for, the statement reads. */
export interface RowSql {
  readonly leaf: (field: ValidationField) => LeafSql;
  /** Whether there is an object in the place of one. */
  readonly isObject: (node: ValidationObject) => string;
  /** How many members an object has that the schema does not declare. */
  readonly undeclared: (node: ValidationObject) => string;
}

const KEYWORDS: readonly string[] = ['type', '$ref', 'required', 'properties', ...OBJECT_ASSERTIONS];

/** An assertion of an object. */
export interface AssertionSql {
  readonly keyword: RuleKeyword;
  /** Whether a row that breaks it is rejected, or else only noted. */
  readonly rejects: boolean;
  /** undefined where no statement can say exactly whether it holds. */
  readonly holds: Condition;
}

/** Makes the assertions of a topic's objects. */
export function objectAssertions(
  schema: ValidationSchema,
  row: RowSql,
): (node: ValidationObject) => readonly AssertionSql[] {
  const places = new Map<string, Place>([...schema.fields, ...schema.objects].map((one) => [one.column, one]));
  const children = new Map<string, Place[]>();
  for (const place of places.values()) {
    const around = place.parents.at(-1) ?? schema.root.column;
    children.set(around, [...(children.get(around) ?? []), place]);
  }
  const conditions = new Map<string, PlaceConditions>();

  function childOf(node: ValidationObject, name: string): Place | undefined {
    const place = places.get(columnName([...node.path, name]));
    return (place?.parents.at(-1) ?? schema.root.column) === node.column ? place : undefined;
  }

  function conditionsOf(place: Place): PlaceConditions {
    const known = conditions.get(place.column) ?? makeConditions(place);
    conditions.set(place.column, known);
    return known;
  }

  function makeConditions(place: Place): PlaceConditions {
    return place.kind === 'field'
      ? leafConditions(schema, row.leaf(place))
      : placeConditions(schema, place.column, KEYWORDS, (at, keyword) => ofObject(place, at, keyword));
  }

  const isThere = (place: Place): string =>
    place.kind === 'field' ? leafIsThere(row.leaf(place)) : row.isObject(place);
  const has = (node: ValidationObject, name: string): string => {
    const child = childOf(node, name);
    return child === undefined ? 'FALSE' : isThere(child);
  };
  const nothingUndeclared = (node: ValidationObject): string => `${row.undeclared(node)} = 0`;

  function ofObject(node: ValidationObject, at: SchemaAt, keyword: string): Condition {
    const value = valueOf(at, keyword);
    const names = isObject(value) ? Object.keys(value) : [];
    const hasAll = (needed: unknown): Condition => every((needed as unknown[]).map((name) => has(node, String(name))));
    switch (keyword) {
      case 'type':
        return [value].flat().includes('object') ? 'TRUE' : 'FALSE';
      case 'required':
        return hasAll(value);
      case 'properties':
        return every(
          names.map((name) => {
            const child = childOf(node, name);
            if (child === undefined) return 'TRUE';
            return implied(isThere(child), conditionsOf(child).at(within(at, keyword, name)));
          }),
        );
      case 'additionalProperties': {
        if (value !== false) return 'TRUE';
        const stated = schema.has(at, 'properties') ? valueOf(at, 'properties') : {};
        const named = new Set(Object.keys(isObject(stated) ? stated : {}).map((name) => childOf(node, name)));
        const others = (children.get(node.column) ?? []).filter((child) => !named.has(child));
        return every([nothingUndeclared(node), ...others.map((child) => not(isThere(child)))]);
      }
      case 'minProperties':
        return `${countSql(node)} >= ${Number(value)}`;
      case 'maxProperties':
        return `${countSql(node)} <= ${Number(value)}`;
      case 'dependentRequired':
        return every(names.map((name) => implied(has(node, name), hasAll(valueOf(at, keyword, name)))));
      case 'dependentSchemas':
        return every(names.map((name) => implied(has(node, name), conditionsOf(node).at(within(at, keyword, name)))));
      default:
        return undefined;
    }
  }

  function countSql(node: ValidationObject): string {
    const declared = (children.get(node.column) ?? []).map((child) => `CASE WHEN ${isThere(child)} THEN 1 ELSE 0 END`);
    return `(${[row.undeclared(node), ...declared].join(' + ')})`;
  }

  /** Whether a schema names a critical field, or an object of which the same is said. */
  function namesCritical(node: ValidationObject, at: SchemaAt, words: readonly string[], seen: Set<string>): boolean {
    if (!isObject(at.schema)) return false;
    const counted = words.filter((word) => schema.has(at, word));
    const inside = (one: SchemaAt): boolean => namesCritical(node, one, CRITICAL_WORDS, seen);
    return counted.some((word) => {
      const value = valueOf(at, word);
      const names = isObject(value) ? Object.keys(value) : [];
      const isCritical = (name: unknown): boolean => childOf(node, String(name))?.cde === true;
      switch (word) {
        case 'required':
          return (value as unknown[]).some(isCritical);
        case 'properties':
          return names.some((name) => {
            const child = childOf(node, name);
            if (child === undefined || child.kind === 'field') return child?.cde === true;
            return child.cde || namesCritical(child, within(at, word, name), CRITICAL_WORDS, seen);
          });
        case 'dependentRequired':
          return names.some((name) => [name, ...(valueOf(at, word, name) as unknown[])].some(isCritical));
        case 'dependentSchemas':
          return names.some((name) => isCritical(name) || inside(within(at, word, name)));
        case '$ref': {
          const place = `${node.column} ${String(value)}`;
          // A definition that was looked into, and had none, need not be looked into again.
          const target = seen.has(place) ? undefined : schema.definition(String(value));
          seen.add(place);
          return target !== undefined && namesCritical(node, target, CRITICAL_WORDS, seen);
        }
        default:
          return Array.isArray(value)
            ? value.some((_, index) => inside(within(at, word, index)))
            : inside(within(at, word));
      }
    });
  }

  return (node) => {
    const at = { schema: node.spec, pointer: node.pointer };
    return node.assertions.flatMap((keyword): AssertionSql[] => {
      if (keyword !== 'additionalProperties') {
        // `then` and `else` belong to `if`.
        const words = keyword === 'if' ? ['if', 'then', 'else'] : [keyword];
        const rejects = node.cde || namesCritical(node, at, words, new Set());
        return [{ keyword, rejects, holds: conditionsOf(node).keyword(at, keyword) }];
      }
      if (valueOf(at, keyword) !== false || schema.undeclared === 'record') return [];
      return [{ keyword, rejects: schema.undeclared === 'reject', holds: nothingUndeclared(node) }];
    });
  };
}

const CRITICAL_WORDS = [
  'required',
  'properties',
  'dependentSchemas',
  'dependentRequired',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  '$ref',
];
