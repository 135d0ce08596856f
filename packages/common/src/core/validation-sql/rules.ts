/**
 * The rules of a schema as SQL conditions over a row's texts. The twin is
 * scripts/glue/lean_ops/validation/validator.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { ENGINE_COLUMNS, RESERVED_COLUMNS } from '../schema/columns';
import { castSql, type CastSql } from './casts';
import { brokenSql } from './constraints';
import type { ConstraintKeyword, ValidationField, ValidationObject, ValidationSchema } from './validation-schema';
import type { QueriedTable } from './stored-texts';
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
  /** The schema's columns that the conditions read. */
  readonly reads: readonly string[];
  /** The table's columns that they read beside those: members that the schema does not name. */
  readonly members: readonly string[];
}

/** The rules of a schema. */
export interface SchemaRulesSql {
  readonly columns: readonly ColumnRulesSql[];
  /** Columns that are called as a member and count for none by `"$others"`, which leaves them out. */
  readonly noMembers: readonly string[];
}

/** Quoted names of the columns that hold a field's `prepared` expression and its value. */
export interface ColumnNames {
  readonly prepared: string;
  readonly value: string;
}

const EMPTY_OBJECT = "'{}'";

/**
 * The rules of a schema in the Curated job's order: objects before fields, each in the schema's order, as conditions over
 * the relation that textsSql makes. A rule that no row can break is left out.
 *
 * @param table the Standardized table that it reads
 */
export function columnRules({ fields, objects }: ValidationSchema, table: QueriedTable): SchemaRulesSql {
  const all = [...fields, ...objects];
  const known = new Set(all.map(({ column }) => column));
  const strangers = table.columns.filter((name) => !RESERVED_COLUMNS.has(name) && !known.has(name));
  const critical = new Set(fields.filter(({ cde }) => cde).map(({ column }) => column));
  const isPresent = (name: string) => `${dmlIdentifier(name)} IS NOT NULL`;
  /** Columns of members that the schema does not name: flattening made them, so a value in one shows an object. */
  const strangersBelow = ({ memberPrefix }: ValidationField | ValidationObject) =>
    strangers.filter((name) => name.startsWith(memberPrefix));
  const holdsStrangers = (item: ValidationField | ValidationObject) => [
    ...strangersBelow(item).map(isPresent),
    ...(table.rescued ? [`strpos("$others", ',${item.memberPrefix}') > 0`] : []),
  ];
  /** Whether the schema names a member, and how it nests the name, is no matter: flattening made the column. */
  const membersOf = ({ memberPrefix }: ValidationObject) => [...known].filter((name) => name.startsWith(memberPrefix));

  const objectAt = new Map(objects.map((node) => [node.column, node]));
  const isObject = new Map(
    objects.map((node) => {
      const empty = `coalesce(${dmlIdentifier(node.column)} = ${EMPTY_OBJECT}, FALSE)`;
      return [node.column, anyOf([empty, ...membersOf(node).map(isPresent), ...holdsStrangers(node)])] as const;
    }),
  );
  const parentIsObject = ({ parents }: ValidationField | ValidationObject) =>
    isObject.get(parents.at(-1) ?? '') ?? 'TRUE';
  const startsBelow = (items: readonly (ValidationField | ValidationObject)[]) => (name: string) =>
    items.some(({ memberPrefix }) => name.startsWith(memberPrefix));
  // A column of the schema shows an object in the place of none of its fields; where an object is due, it counts anyway.
  const noMembers = [...[...known].filter(startsBelow(fields)), ...[...ENGINE_COLUMNS].filter(startsBelow(all))];

  /** What tells whether there is an object: at the item itself, and around it. */
  function readsOf(item: ValidationField | ValidationObject) {
    const around = item.parents.slice(-1).flatMap((column) => objectAt.get(column) ?? []);
    const nodes = item.kind === 'object' ? [item, ...around] : around;
    return {
      reads: [...new Set([item.column, ...nodes.flatMap((node) => [node.column, ...membersOf(node)])])],
      members: [...new Set([item, ...around].flatMap(strangersBelow))],
    };
  }

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
    const missing = allOf([parentIsObject(node), not(isObject.get(node.column) ?? 'FALSE'), `${text} IS NULL`]);
    const rules = rulesOf(node, [
      ['type', `${text} <> ${EMPTY_OBJECT}`, text],
      ['required', node.required ? missing : 'FALSE'],
    ]);
    return { column: node.column, rules, cast: undefined, ...readsOf(node) };
  }

  function fieldRules(field: ValidationField, index: number): ColumnRulesSql {
    const text = dmlIdentifier(field.column);
    const below = anyOf(holdsStrangers(field));
    const absent = `${text} IS NULL`;
    // No column can have these names: columns consist of a-z, 0-9 and _ only.
    const names = { prepared: `"$p${index}"`, value: `"$v${index}"` };
    const cast = castSql(field, text, names.prepared);
    const value = cast === undefined ? text : names.value;
    const missing = allOf([absent, not(below), field.cde ? 'TRUE' : parentIsObject(field)]);
    const isTime = field.athenaType === 'date' || field.athenaType === 'timestamp';
    const rules = rulesOf(field, [
      ['type', allOf([absent, below])],
      ['required', field.cde || field.required ? missing : 'FALSE'],
      [isTime ? 'format' : 'type', cast === undefined ? 'FALSE' : `${text} IS NOT NULL AND ${value} IS NULL`, text],
      ...field.constraints.map((one) => [one.keyword, brokenSql(field, one, value), text] as const),
    ]);
    return { column: field.column, rules, cast: cast && { ...cast, names }, ...readsOf(field) };
  }

  return { columns: [...objects.map(objectRules), ...fields.map(fieldRules)], noMembers };
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
