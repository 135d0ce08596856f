/** The text of one statement that validates rows. */
import { chunk } from '../delivery/chunk';
import type { ComparedColumn, ComparedRule, ComparedRules } from './compared-rules';
import { mergedNeeds, type NamedSql } from './needs';
import { effectOf, type RuleSql, type UnjudgedRule, type ValidationRule } from './rules';
import { textsSql, type QueriedTable, type TextSql } from './stored-texts';

/** Items in one ARRAY[…]: Trino compiles the list to one method, and the JVM bounds its size. */
export const MAX_LIST = 20;
/** Characters of a wrong value that a sample shows. */
const MAX_SHOWN = 60;
/** Columns of one number whose bits say which of them have a value: no sum of them leaves the type integer. */
export const MASK_BITS = 30;

/** Follows the number of a rule in the items of rows whose column breaks no rule today. */
export const ANEW = '*';

export interface ValidationOptions {
  /** Only rows that were ingested from this time on count, `YYYY-MM-DDTHH:MM:SS.ffffffZ`; undefined for all rows. */
  readonly since: string | undefined;
  /** How many messages a result names for each rule. */
  readonly samples: number;
}

/** One SELECT statement, with what the numbers in its result stand for. */
export interface ValidationStatement {
  readonly sql: string;
  readonly rules: readonly ValidationRule[];
  /** The rules of the schema that no statement judges. */
  readonly unjudged: readonly UnjudgedRule[];
  /** Whether it validates rows by the active schema, too. */
  readonly compares: boolean;
  /** The columns of the bits in `filled`, in the order of the bits. */
  readonly fields: readonly string[];
  /** How many messages it names for each rule. */
  readonly samples: number;
}

/** A list of items, which is a column of the relation `validated`. */
interface ItemList {
  readonly name: string;
  readonly sql: string;
}

export function statementOf(
  { columns, others, compares, unjudged }: ComparedRules,
  table: QueriedTable,
  { since, samples }: ValidationOptions,
): ValidationStatement {
  const rules = columns.flatMap((column) => column.rules);
  const needs = mergedNeeds(columns);
  const named = ({ name, sql }: NamedSql) => `${sql} AS ${name}`;
  const prepared = needs.prepared.map(named);
  const values = needs.values.map(named);
  const broken = columns.flatMap(({ brokenToday: one }) => (one === undefined ? [] : [`${one.sql} AS ${one.name}`]));
  const lists = listsOf(rules, columns, compares);
  const all = Object.values(lists).flat();
  const filled = columns.filter((one) => one.isField && mayHaveValues(one, table));
  const fields = filled.map(({ column }) => column);
  const masks = masksSql(filled.flatMap(({ validated: [own] }) => own ?? []));
  const read = [...new Set([...needs.reads, ...fields])];
  const members = needs.members.filter((name) => !read.includes(name));
  const texts = textsSql(table, since, {
    columns: read,
    first: needs.texts,
    asStored: ['message_id', 'ingested_at', ...members],
    others,
  });
  // Each list is used twice below. A list that is used once Trino moves to its use, which would join all into one
  // expression, too large to compile.
  const disposition = [
    `WHEN ${some([...lists.rejected, ...lists.rejectedBoth])} THEN 'rejected|'`,
    ...(lists.nulledAnew.length === 0 ? [] : [`WHEN ${some(lists.nulledAnew)} THEN 'nulled${ANEW}|'`]),
    `WHEN ${some([...lists.nulled, ...lists.nulledNow])} THEN 'nulled|'`,
    ...(lists.noted.length + lists.notedNow.length === 0
      ? []
      : [`WHEN ${some([...lists.noted, ...lists.notedNow])} THEN 'noted|'`]),
  ];
  const { records } = table;
  const counted = [
    "'rows|'",
    `CASE ${disposition.join(' ')} END`,
    ...(records === undefined ? [] : ["outcome || '|'"]),
  ];
  const own = `filter(ARRAY[${counted.join(', ')}], x -> x IS NOT NULL)`;
  const today = compares
    ? [
        `CASE WHEN ${some([...lists.rejectedBoth, ...lists.nulledNow, ...lists.notedNow, ...lists.onlyToday])} THEN 1 ELSE 0 END AS is_rejected`,
      ]
    : [];
  const validated = all.length === 0 ? ['TRUE AS c0'] : all.map((list) => list.sql);
  const found = ['id', 'at', ...today, ...masks.map(({ name }) => name)];
  const items = [own, ...all.map(({ name }) => name)].join(', ');
  const sql = [
    `WITH ${texts.join(',\n')},`,
    `prepared AS (SELECT ${['*', ...prepared].join(', ')} FROM texts),`,
    `typed AS (SELECT ${['*', ...values].join(', ')} FROM prepared),`,
    ...(broken.length === 0 ? [] : [`compared AS (SELECT ${['*', ...broken].join(', ')} FROM typed),`]),
    `validated AS (SELECT coalesce("message_id", '') AS id, coalesce("ingested_at", '') AS at, ` +
      `${[...validated, ...masks.map((mask) => mask.sql), ...(records?.columns ?? [])].join(', ')} ` +
      `FROM ${broken.length === 0 ? 'typed' : 'compared'}),`,
    ...(records === undefined
      ? []
      : [`${judgedSql(lists)},`, `counted AS (SELECT *, ${records.outcome} AS outcome FROM judged),`]),
    `checked AS (SELECT ${found.join(', ')}, flatten(ARRAY[${items}]) AS items FROM ${records === undefined ? 'validated' : 'counted'})`,
    `SELECT split_part(item, '|', 1) AS code, count(*) AS n, ${samplesSql(samples, compares, lists.noted.length + lists.notedNow.length > 0)} AS samples, ` +
      `${compares ? 'sum(1 - is_rejected)' : 'count(*)'} AS anew, ${filledSql(masks)} AS filled`,
    "FROM checked CROSS JOIN UNNEST(items) AS u(item) GROUP BY split_part(item, '|', 1)",
  ].join('\n');
  return {
    sql,
    rules: rules.map(({ rule: { column, rule, critical, whole, pointer } }) => ({
      column,
      rule,
      critical,
      whole,
      pointer,
    })),
    unjudged,
    compares,
    fields,
    samples,
  };
}

/**
 * The items of a row, in lists by what they do to it: `rejected` and `nulled` by the candidate, `Both` where the active
 * schema rejects the row by the same rule, `Now` where it only does so today, and `Anew` where the column breaks no rule
 * of it. `noted` are those of rows that stay as they are.
 */
function listsOf(rules: readonly ComparedRule[], columns: readonly ComparedColumn[], compares: boolean) {
  const numbered = rules.map((compared, index) => ({ ...compared, index }));
  const withEffect = (effect: string) => numbered.filter(({ rule }) => effectOf(rule) === effect);
  const [critical, others, notes] = [withEffect('rejected'), withEffect('nulled'), withEffect('noted')];
  const plain = (some: typeof numbered) => some.map(({ rule, index }) => itemSql(rule, rule.condition, String(index)));
  const knownOf = (some: typeof numbered) =>
    some.flatMap(({ rule, index, brokenToday }) => {
      if (!compares || brokenToday === 'always') return [itemSql(rule, rule.condition, String(index))];
      return brokenToday === 'never'
        ? []
        : [itemSql(rule, `(${rule.condition}) AND ${brokenToday.name}`, String(index))];
    });
  const anewOf = (some: typeof numbered) =>
    some.flatMap(({ rule, index, brokenToday }) => {
      if (!compares || brokenToday === 'always') return [];
      const condition = brokenToday === 'never' ? rule.condition : `(${rule.condition}) AND NOT ${brokenToday.name}`;
      return [itemSql(rule, condition, `${index}${ANEW}`)];
    });
  const passing = (some: typeof numbered) => some.filter((one) => !one.rejectsToday);
  const rejecting = (some: typeof numbered) => some.filter((one) => one.rejectsToday);
  const onlyToday = columns
    .flatMap((one) => one.onlyToday)
    .map((condition) => `CASE WHEN ${condition} THEN 'today|' END`);
  return {
    rejected: listSql('c', plain(passing(critical))),
    rejectedBoth: listSql('b', plain(rejecting(critical))),
    nulled: listSql('o', knownOf(passing(others))),
    nulledAnew: listSql('a', anewOf(passing(others))),
    nulledNow: listSql('n', plain(rejecting(others))),
    noted: listSql('q', [...knownOf(passing(notes)), ...anewOf(passing(notes))]),
    notedNow: listSql('r', plain(rejecting(notes))),
    onlyToday: listSql('t', onlyToday),
  };
}

/** The member of a WITH clause that adds to each row what a schema does to it, as one word. */
function judgedSql(lists: ReturnType<typeof listsOf>): string {
  const isRejected = some([...lists.rejected, ...lists.rejectedBoth]);
  const isNulled = some([...lists.nulled, ...lists.nulledAnew, ...lists.nulledNow]);
  const isNoted = some([...lists.noted, ...lists.notedNow]);
  const word =
    `CASE WHEN ${isRejected} THEN 'rejected' WHEN ${isNulled} THEN 'nulled' ` +
    `${isNoted === 'FALSE' ? '' : `WHEN ${isNoted} THEN 'noted' `}ELSE 'clean' END`;
  return `judged AS (SELECT *, ${word} AS disposition FROM validated)`;
}

function listSql(prefix: string, items: readonly string[]): ItemList[] {
  return chunk(items, { maxCount: MAX_LIST, maxBytes: Infinity, sizeOf: () => 0 }).map((some, index) => ({
    name: `${prefix}${index}`,
    sql: `filter(ARRAY[${some.join(', ')}], x -> x IS NOT NULL) AS ${prefix}${index}`,
  }));
}

/** The condition that any of the lists has an item. */
function some(lists: readonly ItemList[]): string {
  return lists.length === 0 ? 'FALSE' : `${lists.map(({ name }) => `cardinality(${name})`).join(' + ')} > 0`;
}

/** The SQL of a rule's item: its number and the wrong text, or NULL where the row keeps the rule. */
function itemSql({ text }: RuleSql, condition: string, code: string): string {
  const shown = text === undefined ? '' : ` || substr(${text}, 1, ${MAX_SHOWN})`;
  return `CASE WHEN ${condition} THEN '${code}|'${shown} END`;
}

/**
 * The SQL of the latest messages that break a rule, those that are not rejected today first, as hexadecimal UTF-8:
 * `id|value,id|value`.
 */
function samplesSql(samples: number, compares: boolean, notes: boolean): string {
  if (samples === 0) return 'CAST(NULL AS varchar)';
  const hex = (sql: string) => `to_hex(to_utf8(${sql}))`;
  const sample = `${hex('id')} || '|' || ${hex("substr(item, strpos(item, '|') + 1)")}`;
  const others = [
    'rows|',
    'rejected|',
    'nulled|',
    ...(notes ? ['noted|'] : []),
    ...(compares ? [`nulled${ANEW}|`, 'today|'] : []),
  ];
  const isRule = `item NOT IN (${others.map((one) => `'${one}'`).join(', ')})`;
  const order = `${compares ? "CAST(1 - is_rejected AS varchar) || '|' || " : ''}at || '|' || id`;
  return `array_join(max_by(${sample}, CASE WHEN ${isRule} THEN ${order} END, ${samples}), ',')`;
}

/** Whether any row can have a value there: where there is no column, only rescued_data can have one. */
function mayHaveValues({ validated }: ComparedColumn, table: QueriedTable): boolean {
  return table.rescued || (validated[0]?.of ?? []).some((column) => table.columns.includes(column));
}

/** Numbers of which each bit says whether the row has one of the texts. */
function masksSql(texts: readonly TextSql[]): ItemList[] {
  return chunk(texts, { maxCount: MASK_BITS, maxBytes: Infinity, sizeOf: () => 0 }).map((some, index) => ({
    name: `f${index}`,
    sql: `${some.map(({ name }, bit) => `CASE WHEN ${name} IS NULL THEN 0 ELSE ${2 ** bit} END`).join(' + ')} AS f${index}`,
  }));
}

/** The SQL of the columns that at least one row has a text in, as one number for each mask. */
function filledSql(masks: readonly ItemList[]): string {
  if (masks.length === 0) return "''";
  const numbers = masks.map(({ name }) => `CAST(bitwise_or_agg(${name}) AS varchar)`);
  return `array_join(ARRAY[${numbers.join(', ')}], ',')`;
}
