/**
 * The rules of a schema as SQL conditions over a row's texts. The twin is
 * scripts/glue/lean_ops/validation/validator.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { ENGINE_COLUMNS, RESERVED_COLUMNS } from '../schema/columns';
import { allOf, anyOf, not } from './boolean-sql';
import { castSql, type CastSql } from './casts';
import { brokenSql } from './constraints';
import type { ConstraintKeyword, ValidationField, ValidationObject, ValidationSchema } from './validation-schema';
import { sqlNames, type ColumnNames, type SqlNames } from './sql-names';
import type { OthersSql, QueriedTable, TextSql } from './stored-texts';
import { dmlIdentifier } from '../warehouse/sql';

/** One rule that a row can break, with the column and rule that `violations` of the errors table names. */
export interface ValidationRule {
  readonly column: string;
  readonly rule: 'required' | 'type' | 'format' | 'opaque' | ConstraintKeyword;
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
  readonly kind: 'field' | 'object';
  readonly column: string;
  /** The text that is validated. */
  readonly text: TextSql;
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
  /** The names in rescued_data that conditions look for members in, where the table has rescued_data. */
  readonly others: OthersSql;
}

const EMPTY_OBJECT = "'{}'";

/**
 * The rules of a schema in the Curated job's order: objects before fields, each in the schema's order, as conditions over
 * the relation that textsSql makes. A rule that no row can break is left out.
 *
 * @param table the Standardized table that it reads
 * @param names the names of another schema's rules, when one statement has the rules of both
 */
export function columnRules(
  { fields, objects }: ValidationSchema,
  table: QueriedTable,
  names: SqlNames = sqlNames(),
): SchemaRulesSql {
  const all = [...fields, ...objects];
  const known = new Set([...all, ...fields.flatMap((field) => field.formerColumns)].map(({ column }) => column));
  const strangers = table.columns.filter((name) => !RESERVED_COLUMNS.has(name) && !known.has(name));
  const critical = new Set(fields.filter(({ cde }) => cde).map(({ column }) => column));
  const isPresent = (name: string) => `${dmlIdentifier(name)} IS NOT NULL`;
  /** Columns of members that the schema does not name: flattening made them, so a value in one shows an object. */
  const strangersBelow = (item: ValidationField | ValidationObject) => strangers.filter(startsBelow([item]));
  // A column of the schema shows an object in the place of none of its fields; where an object is due, it counts anyway.
  const noMembers = [...[...known].filter(startsBelow(fields)), ...[...ENGINE_COLUMNS].filter(startsBelow(all))];
  const others = names.others(noMembers);
  const holdsOthers = (item: ValidationField | ValidationObject) =>
    table.rescued ? prefixesOf(item).map((prefix) => `strpos(${others.name}, ',${prefix}') > 0`) : [];
  const holdsStrangers = (item: ValidationField | ValidationObject) => [
    ...strangersBelow(item).map(isPresent),
    ...holdsOthers(item),
  ];
  /** Whether the schema names a member, and how it nests the name, is no matter: flattening made the column. */
  const membersOf = ({ memberPrefix }: ValidationObject) => [...known].filter((name) => name.startsWith(memberPrefix));

  const objectAt = new Map(objects.map((node) => [node.column, node]));
  const isObject = new Map(
    objects.map((node) => {
      const empty = `coalesce(${dmlIdentifier(node.column)} = ${EMPTY_OBJECT}, FALSE)`;
      // In one order, so that the condition is the same in a version that names a member which another does not.
      const members = [...new Set([...membersOf(node), ...strangersBelow(node)])].sort();
      return [node.column, anyOf([empty, ...members.map(isPresent), ...holdsOthers(node)])] as const;
    }),
  );
  const parentIsObject = ({ parents }: ValidationField | ValidationObject) =>
    isObject.get(parents.at(-1) ?? '') ?? 'TRUE';

  /** What tells whether there is an object: at the item itself, and around it. */
  function readsOf(item: ValidationField | ValidationObject) {
    const around = item.parents.slice(-1).flatMap((column) => objectAt.get(column) ?? []);
    const nodes = item.kind === 'object' ? [item, ...around] : around;
    const formerly = item.kind === 'field' ? item.formerColumns.map(({ column }) => column) : [];
    return {
      reads: [...new Set([item.column, ...formerly, ...nodes.flatMap((node) => [node.column, ...membersOf(node)])])],
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
    const stored = names.ofText([node.column]);
    const text = stored.name;
    const missing = allOf([parentIsObject(node), not(isObject.get(node.column) ?? 'FALSE'), `${text} IS NULL`]);
    const rules = rulesOf(node, [
      ['type', `${text} <> ${EMPTY_OBJECT}`, text],
      ['required', node.required ? missing : 'FALSE'],
    ]);
    return { kind: 'object', column: node.column, text: stored, rules, cast: undefined, ...readsOf(node) };
  }

  function fieldRules(field: ValidationField): ColumnRulesSql {
    const stored = names.ofText([field.column, ...field.formerColumns.map(({ column }) => column)]);
    const text = stored.name;
    const below = anyOf(holdsStrangers(field));
    const absent = `${text} IS NULL`;
    const own = names.ofCast(stored, field);
    const cast = castSql(field, text, own.prepared);
    const value = cast === undefined ? text : own.value;
    const missing = allOf([absent, not(below), field.cde ? 'TRUE' : parentIsObject(field)]);
    const isTime = field.athenaType === 'date' || field.athenaType === 'timestamp';
    const rules = rulesOf(field, [
      [field.opaque ? 'opaque' : 'type', allOf([absent, below])],
      ['required', field.cde || field.required ? missing : 'FALSE'],
      [isTime ? 'format' : 'type', cast === undefined ? 'FALSE' : `${text} IS NOT NULL AND ${value} IS NULL`, text],
      ...field.constraints.map((one) => [one.keyword, brokenSql(field, one, value), text] as const),
    ]);
    return {
      kind: 'field',
      column: field.column,
      text: stored,
      rules,
      cast: cast && { ...cast, names: own },
      ...readsOf(field),
    };
  }

  return { columns: [...objects.map(objectRules), ...fields.map(fieldRules)], others };
}

/** The beginnings of the columns that an object in an item's place would have, also in older events. */
function prefixesOf(item: ValidationField | ValidationObject): readonly string[] {
  const formerly = item.kind === 'field' ? item.formerColumns : [];
  return [item, ...formerly].map(({ memberPrefix }) => memberPrefix);
}

/** Tells whether a column would be a member of an object in the place of one of the items. */
function startsBelow(items: readonly (ValidationField | ValidationObject)[]): (name: string) => boolean {
  const prefixes = items.flatMap(prefixesOf);
  return (name) => prefixes.some((prefix) => name.startsWith(prefix));
}
