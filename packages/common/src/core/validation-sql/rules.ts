/**
 * The rules of a schema as SQL conditions over a row's texts. The twin is
 * scripts/glue/lean_ops/validation/validator.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { RESERVED_COLUMNS } from '../schema/columns';
import { castSql, type CastSql } from './casts';
import { brokenSql } from './constraints';
import type { ConstraintKeyword, ValidationField, ValidationObject, ValidationSchema } from './validation-schema';
import { dmlIdentifier } from '../warehouse/sql';

/** One rule that a row can break, with the column and rule that `violations` of the errors table names. */
export interface ValidationRule {
  readonly column: string;
  readonly rule: 'required' | 'type' | 'format' | ConstraintKeyword;
  /** Whether a row that breaks it is rejected; otherwise the value becomes NULL. */
  readonly critical: boolean;
  /** JSON pointer to the field in the schema file. */
  readonly pointer: string;
}

/** A rule with the condition under which a row breaks it. */
export interface RuleSql extends ValidationRule {
  readonly condition: string;
  /** The SQL of the wrong text; undefined where the rule is that there must be one. */
  readonly text: string | undefined;
}

/** The rules of one field or object, with the cast whose names their conditions use. */
export interface ColumnRulesSql {
  readonly column: string;
  readonly rules: readonly RuleSql[];
  readonly cast: (CastSql & { readonly names: ColumnNames }) | undefined;
}

/** Quoted names of the columns that hold a field's `prepared` expression and its value. */
export interface ColumnNames {
  readonly prepared: string;
  readonly value: string;
}

const EMPTY_OBJECT = "'{}'";

/**
 * The rules of a schema in the Curated job's order: objects before fields, each in the schema's order. A rule that no
 * row can break, given the table's columns, is left out: a column that the table lacks is NULL in every row.
 *
 * @param columns names of the Standardized table's columns
 */
export function columnRules({ fields, objects }: ValidationSchema, columns: readonly string[]): ColumnRulesSql[] {
  const there = new Set(columns.filter((name) => !RESERVED_COLUMNS.has(name)));
  const known = new Set([...fields, ...objects].map(({ column }) => column));
  const critical = new Set(fields.filter(({ cde }) => cde).map(({ column }) => column));
  /** Columns of members that the schema does not name: flattening made them, so a value in one shows an object. */
  const strangersBelow = ({ memberPrefix }: ValidationField) =>
    [...there].filter((name) => name.startsWith(memberPrefix) && !known.has(name));
  const isPresent = (name: string) => `${dmlIdentifier(name)} IS NOT NULL`;

  const isObject = new Map(
    objects.map(({ column, memberPrefix }) => {
      // Whether the schema names a member, and how it nests the name, is no matter: flattening made the column.
      const members = [...there].filter((name) => name.startsWith(memberPrefix));
      const empty = there.has(column) ? [`coalesce(${dmlIdentifier(column)} = ${EMPTY_OBJECT}, FALSE)`] : [];
      return [column, anyOf([...empty, ...members.map(isPresent)])] as const;
    }),
  );
  const parentIsObject = ({ parents }: ValidationField | ValidationObject) =>
    isObject.get(parents.at(-1) ?? '') ?? 'TRUE';

  function rulesOf(
    item: ValidationField | ValidationObject,
    entries: readonly (readonly [rule: ValidationRule['rule'], condition: string, text?: string])[],
  ): RuleSql[] {
    const { column, pointer } = item;
    return entries
      .filter(([, condition]) => condition !== 'FALSE')
      .map(([rule, condition, text]) => ({
        column,
        rule,
        pointer,
        condition,
        text,
        critical: critical.has(column),
      }));
  }

  function objectRules(node: ValidationObject): ColumnRulesSql {
    const text = dmlIdentifier(node.column);
    const has = there.has(node.column);
    const missing = allOf([
      parentIsObject(node),
      not(isObject.get(node.column) ?? 'FALSE'),
      has ? `${text} IS NULL` : 'TRUE',
    ]);
    const rules = rulesOf(node, [
      ['type', has ? `${text} <> ${EMPTY_OBJECT}` : 'FALSE', text],
      ['required', node.required ? missing : 'FALSE'],
    ]);
    return { column: node.column, rules, cast: undefined };
  }

  function fieldRules(field: ValidationField, index: number): ColumnRulesSql {
    const text = dmlIdentifier(field.column);
    const has = there.has(field.column);
    const below = anyOf(strangersBelow(field).map(isPresent));
    const absent = has ? `${text} IS NULL` : 'TRUE';
    // No column can have these names: columns consist of a-z, 0-9 and _ only.
    const names = { prepared: `"$p${index}"`, value: `"$v${index}"` };
    const cast = has ? castSql(field, text, names.prepared) : undefined;
    const value = cast === undefined ? text : names.value;
    const missing = allOf([absent, not(below), field.cde ? 'TRUE' : parentIsObject(field)]);
    const isTime = field.athenaType === 'date' || field.athenaType === 'timestamp';
    const rules = rulesOf(field, [
      ['type', allOf([absent, below])],
      ['required', field.cde || field.required ? missing : 'FALSE'],
      [isTime ? 'format' : 'type', cast === undefined ? 'FALSE' : `${text} IS NOT NULL AND ${value} IS NULL`, text],
      ...(has ? field.constraints.map((one) => [one.keyword, brokenSql(field, one, value), text] as const) : []),
    ]);
    return { column: field.column, rules, cast: cast && { ...cast, names } };
  }

  return [...objects.map(objectRules), ...fields.map(fieldRules)];
}

function anyOf(conditions: readonly string[]): string {
  if (conditions.includes('TRUE')) return 'TRUE';
  const real = conditions.filter((one) => one !== 'FALSE');
  return real.length === 0 ? 'FALSE' : real.length === 1 ? (real[0] ?? '') : `(${real.join(' OR ')})`;
}

function allOf(conditions: readonly string[]): string {
  if (conditions.includes('FALSE')) return 'FALSE';
  const real = conditions.filter((one) => one !== 'TRUE');
  return real.length === 0 ? 'TRUE' : real.length === 1 ? (real[0] ?? '') : `(${real.join(' AND ')})`;
}

function not(condition: string): string {
  if (condition === 'FALSE') return 'TRUE';
  return condition === 'TRUE' ? 'FALSE' : `NOT ${condition.startsWith('(') ? condition : `(${condition})`}`;
}
