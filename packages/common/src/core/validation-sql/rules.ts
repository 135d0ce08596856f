/**
 * The rules of a schema as SQL conditions over a row's texts. The twin is
 * scripts/glue/lean_ops/validation/validator.py; tests/glue/validation/test_validation_sql.py holds the two equal.
 */
import { ENGINE_COLUMNS, RESERVED_COLUMNS } from '../schema/columns';
import { allOf, anyOf, not } from './boolean-sql';
import { castSql } from './casts';
import { brokenSql } from './constraints';
import { leafConditions, type LeafSql } from './leaf-conditions';
import { needsCollector, type Needs, type NeedsCollector } from './needs';
import { numberPartsSql } from './number-sql';
import { objectAssertions, type RowSql } from './object-conditions';
import type { RuleKeyword, ValidationField, ValidationObject, ValidationSchema } from './validation-schema';
import { sqlNames, type SqlNames } from './sql-names';
import type { OthersSql, QueriedTable, TextSql } from './stored-texts';
import { undeclaredSql } from './undeclared-sql';
import { dmlIdentifier } from '../warehouse/sql';

/** One rule that a row can break, with the column and rule that `violations` of the errors table names. */
export interface ValidationRule {
  readonly column: string;
  readonly rule: 'required' | 'type' | 'opaque' | RuleKeyword;
  /** Whether a row that breaks it is rejected. */
  readonly critical: boolean;
  /** Whether it is about an object as a whole, which has no value that could become NULL. */
  readonly whole: boolean;
  /** JSON pointer to the field in the schema file. */
  readonly pointer: string;
}

/** What becomes of a row that breaks a rule: it is rejected, it loses the value, or it stays as it is and that is on record. */
export type RuleEffect = 'rejected' | 'nulled' | 'noted';

export function effectOf({ critical, whole }: Pick<ValidationRule, 'critical' | 'whole'>): RuleEffect {
  return critical ? 'rejected' : whole ? 'noted' : 'nulled';
}

/** A rule that no statement can judge, as it depends on what is inside of JSON text. */
export type UnjudgedRule = Pick<ValidationRule, 'column' | 'rule' | 'pointer'>;

/** A rule with the condition under which a row breaks it. */
export interface RuleSql extends ValidationRule {
  readonly condition: string;
  /** The SQL of the wrong text; undefined where the rule is that there must be one. */
  readonly text: string | undefined;
}

/** The rules of one field or object, with what their conditions need. */
export interface ColumnRulesSql extends Needs {
  readonly kind: 'field' | 'object';
  readonly column: string;
  /** The text that is validated. */
  readonly text: TextSql;
  readonly rules: readonly RuleSql[];
  readonly unjudged: readonly UnjudgedRule[];
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
  schema: ValidationSchema,
  table: QueriedTable,
  names: SqlNames = sqlNames(),
): SchemaRulesSql {
  const { fields, objects, root } = schema;
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
  function readObjects(item: ValidationField | ValidationObject, needs: NeedsCollector): void {
    const around = item.parents.slice(-1).flatMap((column) => objectAt.get(column) ?? []);
    const nodes = item.kind === 'object' ? [item, ...around] : around;
    const formerly = item.kind === 'field' ? item.formerColumns.map(({ column }) => column) : [];
    needs.read([item.column, ...formerly, ...nodes.flatMap((node) => [node.column, ...membersOf(node)])]);
    needs.readMembers([item, ...around].flatMap(strangersBelow));
  }

  function rulesOf(
    item: ValidationField | ValidationObject,
    entries: readonly (readonly [rule: ValidationRule['rule'], condition: string, text?: string])[],
  ): RuleSql[] {
    const { column, pointer } = item;
    const whole = false;
    return entries
      .filter(([, condition]) => condition !== 'FALSE')
      .map(([rule, condition, text]) => ({
        column,
        rule,
        pointer,
        condition,
        text,
        whole,
        critical: critical.has(column),
      }));
  }

  function leafSql(field: ValidationField, needs: NeedsCollector): LeafSql {
    const stored = names.ofText([field.column, ...field.formerColumns.map(({ column }) => column)]);
    const text = stored.name;
    const number = () => {
      const own = names.ofNumber(stored);
      const parts = numberPartsSql(text);
      needs.prepare([
        { name: own.digits, sql: parts.digits },
        { name: own.point, sql: parts.point },
      ]);
      return { ...own, text };
    };
    const value = () => {
      const own = names.ofCast(stored, field);
      const cast = castSql(field, text, { prepared: own.prepared, number: names.ofNumber(stored) });
      if (cast?.usesNumber === true) number();
      if (cast?.prepared !== undefined) needs.prepare([{ name: own.prepared, sql: cast.prepared }]);
      if (cast !== undefined) needs.type([{ name: own.value, sql: cast.value }]);
      return cast === undefined ? undefined : own.value;
    };
    needs.readFirst(stored);
    needs.read(stored.of);
    needs.readMembers(strangersBelow(field));
    return { field, text, instead: allOf([`${text} IS NULL`, anyOf(holdsStrangers(field))]), number, value };
  }

  /** The columns of a row for the assertions of an object. */
  function rowSql(needs: NeedsCollector): RowSql {
    return {
      leaf: (field) => leafSql(field, needs),
      isObject: (node) => {
        needs.read([node.column, ...membersOf(node)]);
        needs.readMembers(strangersBelow(node));
        return isObject.get(node.column) ?? 'TRUE';
      },
      undeclared: (node) => {
        const own = undeclaredSql(node, [...all, ...fields.flatMap((field) => field.formerColumns)], {
          strangers,
          known,
          others: table.rescued ? others.name : undefined,
        });
        needs.readMembers(own.members);
        return own.sql;
      },
    };
  }

  /** The assertions of an object as rules, and those that no statement can judge. */
  function assertionsOf(node: ValidationObject, needs: NeedsCollector) {
    const assertions = node.assertions.length === 0 ? [] : objectAssertions(schema, rowSql(needs))(node);
    const isThere = node === root || assertions.length === 0 ? 'TRUE' : rowSql(needs).isObject(node);
    const rules = assertions.flatMap(({ keyword: rule, rejects, holds }): RuleSql[] => {
      const condition = holds === undefined ? 'FALSE' : allOf([isThere, not(holds)]);
      const { column, pointer } = node;
      return condition === 'FALSE'
        ? []
        : [{ column, rule, pointer, condition, text: undefined, whole: true, critical: rejects }];
    });
    return { rules, unjudged: unjudgedOf(node, assertions.filter(({ holds }) => holds === undefined).map(keywordOf)) };
  }

  function objectRules(node: ValidationObject): ColumnRulesSql {
    const stored = names.ofText([node.column]);
    const text = stored.name;
    const missing = allOf([parentIsObject(node), not(isObject.get(node.column) ?? 'FALSE'), `${text} IS NULL`]);
    const needs = needsCollector();
    readObjects(node, needs);
    const own = rulesOf(node, [
      ['type', `${text} <> ${EMPTY_OBJECT}`, text],
      ['required', node.required ? missing : 'FALSE'],
    ]);
    const { rules, unjudged } = assertionsOf(node, needs);
    return { kind: 'object', column: node.column, text: stored, rules: [...own, ...rules], unjudged, ...needs.found() };
  }

  /** The rules of the payload as a whole, where there are any. */
  function rootRules(): ColumnRulesSql[] {
    const needs = needsCollector();
    const own = assertionsOf(root, needs);
    if (own.rules.length + own.unjudged.length === 0) return [];
    return [{ kind: 'object', column: root.column, text: NO_TEXT, ...own, ...needs.found() }];
  }

  function fieldRules(field: ValidationField): ColumnRulesSql {
    const needs = needsCollector();
    readObjects(field, needs);
    const leaf = leafSql(field, needs);
    const stored = names.ofText([field.column, ...field.formerColumns.map(({ column }) => column)]);
    const { text } = leaf;
    const below = anyOf(holdsStrangers(field));
    const absent = `${text} IS NULL`;
    const cast = leaf.value();
    const value = cast ?? text;
    const missing = allOf([absent, not(below), field.cde ? 'TRUE' : parentIsObject(field)]);
    const isText = field.types.length === 1 && field.types[0] === 'string';
    const conditions = leafConditions(schema, leaf);
    const at = { schema: field.spec, pointer: field.pointer };
    const broken = field.constraints.map((keyword) => {
      const typed = brokenSql(field, keyword, value, schema);
      if (typed !== undefined) return [keyword, typed] as const;
      const holds = conditions.keyword(at, keyword);
      return [keyword, holds === undefined ? undefined : allOf([`${value} IS NOT NULL`, not(holds)])] as const;
    });
    const rules = rulesOf(field, [
      [field.opaque ? 'opaque' : 'type', allOf([absent, below])],
      ['required', field.cde || field.required ? missing : 'FALSE'],
      [isText ? 'format' : 'type', cast === undefined ? 'FALSE' : `${text} IS NOT NULL AND ${value} IS NULL`, text],
      ...broken.flatMap(([keyword, condition]) =>
        condition === undefined ? [] : [[keyword, condition, text] as const],
      ),
    ]);
    const unjudged = broken.filter(([, condition]) => condition === undefined).map(([keyword]) => keyword);
    return {
      kind: 'field',
      column: field.column,
      text: stored,
      rules,
      unjudged: unjudgedOf(field, unjudged),
      ...needs.found(),
    };
  }

  return { columns: [...objects.map(objectRules), ...fields.map(fieldRules), ...rootRules()], others };
}

/** The text of what has none of its own. */
const NO_TEXT: TextSql = { name: 'CAST(NULL AS varchar)', of: [] };

function keywordOf({ keyword }: { readonly keyword: RuleKeyword }): RuleKeyword {
  return keyword;
}

function unjudgedOf(
  { column, pointer }: ValidationField | ValidationObject,
  keywords: readonly RuleKeyword[],
): UnjudgedRule[] {
  return keywords.map((rule) => ({ column, rule, pointer }));
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
