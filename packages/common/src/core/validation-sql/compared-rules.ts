/**
 * The rules of a candidate beside those of the active schema, so that one statement validates each row by both. A rule
 * that both have is written once: most versions differ from the one before in a field or two.
 */
import { anyOf } from './boolean-sql';
import { mergedNeeds, type Needs } from './needs';
import type { ColumnRulesSql, RuleSql, SchemaRulesSql, UnjudgedRule } from './rules';
import type { OthersSql, TextSql } from './stored-texts';

/** A rule of the candidate, and what the active schema says of the rows that break it. */
export interface ComparedRule {
  readonly rule: RuleSql;
  /** Whether the active schema has the same rule and rejects the row by it. */
  readonly rejectsToday: boolean;
  /**
   * Whether the same column breaks a rule of the active schema, too: always, never, or where the column of that name is
   * true.
   */
  readonly brokenToday: 'always' | 'never' | { readonly name: string };
}

/** The rules of both schemas on one column. */
export interface ComparedColumn extends Needs {
  readonly column: string;
  /** Whether the candidate has it as a field, whose text is the first of `texts` then. */
  readonly isField: boolean;
  /** The texts that the rules of both are about. */
  readonly validated: readonly TextSql[];
  /** Whether one of the schemas rejects rows by it. */
  readonly critical: boolean;
  readonly rules: readonly ComparedRule[];
  /** Conditions by which the active schema rejects a row, and which are no rule of the candidate. */
  readonly onlyToday: readonly string[];
  /** Whether a row breaks a rule of the active schema on the column; undefined where no rule needs to know. */
  readonly brokenToday: { readonly name: string; readonly sql: string } | undefined;
}

/** The rules of a statement. */
export interface ComparedRules {
  /** Whether the rows are validated by the active schema, too. */
  readonly compares: boolean;
  /** The candidate's columns in their order, then those that only the active schema has. */
  readonly columns: readonly ComparedColumn[];
  readonly others: readonly OthersSql[];
  /** The rules of the candidate that no statement can judge. */
  readonly unjudged: readonly UnjudgedRule[];
}

/**
 * Puts the rules of two schemas together, column by column. Both must have got their names from the same SqlNames.
 *
 * @param active undefined where nothing is in force, or is not to be compared with
 */
export function compareRules(candidate: SchemaRulesSql, active: SchemaRulesSql | undefined): ComparedRules {
  const before = new Map((active?.columns ?? []).map((one) => [one.column, one]));
  // A field of another name in the active schema is the same one.
  const formerly = ({ text: { of } }: ColumnRulesSql) =>
    of
      .slice(1)
      .flatMap((name) => before.get(name) ?? [])
      .find(({ kind }) => kind === 'field');
  const known = new Set(candidate.columns.map(({ column }) => column));
  const compared = candidate.columns.map((one, index) => {
    const own = before.get(one.column) ?? formerly(one);
    if (own !== undefined) known.add(own.column);
    return compareColumn(one.column, one, own, `"$t${index}"`);
  });
  const gone = [...before.values()].filter(({ column }) => !known.has(column));
  const others = active === undefined ? [candidate.others] : [candidate.others, active.others];
  return {
    compares: active !== undefined,
    columns: [...compared, ...gone.map((one) => compareColumn(one.column, undefined, one, ''))],
    others: [...new Map(others.map((one) => [one.name, one])).values()],
    unjudged: candidate.columns.flatMap((one) => one.unjudged),
  };
}

function compareColumn(
  column: string,
  candidate: ColumnRulesSql | undefined,
  active: ColumnRulesSql | undefined,
  name: string,
): ComparedColumn {
  const own = candidate?.rules ?? [];
  const today = new Map((active?.rules ?? []).map((rule) => [rule.condition, rule]));
  const brokenToday = ({ condition }: RuleSql): ComparedRule['brokenToday'] => {
    if (today.size === 0) return 'never';
    return today.has(condition) ? 'always' : { name };
  };
  const rules = own.map((rule) => ({
    rule,
    rejectsToday: today.get(rule.condition)?.critical === true,
    brokenToday: brokenToday(rule),
  }));
  const conditions = new Set(own.map(({ condition }) => condition));
  const onlyToday = [...today.values()].filter((rule) => rule.critical && !conditions.has(rule.condition));
  // Whether the effect of a critical rule is new depends on the row: it is where the row is not rejected today.
  const needed = rules.some(({ rule, brokenToday: broken }) => !rule.critical && typeof broken === 'object');
  const both = [candidate, active].filter((one) => one !== undefined);
  return {
    column,
    isField: candidate?.kind === 'field',
    validated: both.map(({ text }) => text),
    critical: both.some((one) => one.rules.some(({ critical }) => critical)),
    rules,
    onlyToday: onlyToday.map(({ condition }) => condition),
    brokenToday: needed ? { name, sql: `coalesce(${anyOf([...today.keys()])}, FALSE)` } : undefined,
    ...mergedNeeds(both),
  };
}
