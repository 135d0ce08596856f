import type { UnjudgedRule, ValidationRule } from './rules';
import { ANEW, MASK_BITS, type ValidationStatement } from './statement-sql';

/** A message whose row breaks a rule. */
export interface ViolationSample {
  readonly messageId: string;
  /** The beginning of the wrong text; null where the rule is that there must be one. */
  readonly value: string | null;
}

/** A rule that at least one row breaks. */
export interface BrokenRule extends ValidationRule {
  /** How many rows break it, rejected rows included. */
  readonly rows: number;
  /**
   * For how many of them that is new: the active schema does not reject the row, nor is one of its rules broken in the
   * column of a value that becomes NULL. All of them where the rows were not validated by the active schema.
   */
  readonly anew: number;
  /** Samples in the order of their messages: those for which it is new first, then the latest. */
  readonly samples: readonly ViolationSample[];
}

/** A number of rows. The two differ only where several statements were needed. */
export interface Bounds {
  readonly atLeast: number;
  readonly atMost: number;
}

/** How the verdict on the rows differs from that of the schema in force. */
export interface VerdictChange {
  /** Rows that the active schema rejects. */
  readonly rejectedToday: number;
  /** Rows that the candidate rejects, and the active schema does not. */
  readonly rejectedAnew: number;
  /** Rows that the active schema rejects, and the candidate does not. */
  readonly accepted: number;
  /** Rows that both accept, with at least one value that becomes NULL in a column that breaks no rule today. */
  readonly nulledAnew: Bounds;
}

/** How the rows of a table fare under a schema. */
export interface DataVerdict {
  readonly rows: number;
  readonly rejected: number;
  /** Rows that stay, with at least one value that becomes NULL. */
  readonly nulled: Bounds;
  /** Rows that stay as they are, with at least one broken rule about an object on record. */
  readonly noted: Bounds;
  /** undefined where the rows were validated by the candidate alone. */
  readonly change: VerdictChange | undefined;
  /** The broken rules in the schema's order. */
  readonly broken: readonly BrokenRule[];
  /** The rules of the schema that the rows were not validated by. */
  readonly unjudged: readonly UnjudgedRule[];
  /** The schema's columns that have a text in at least one row. */
  readonly filled: ReadonlySet<string>;
}

/** The rows that Athena answers to a ValidationStatement: code, number of rows, samples, number of new ones, columns. */
export type ValidationResult = readonly (readonly (string | null)[])[];

/**
 * Puts the results of all statements together.
 *
 * @param results one for each statement, in their order
 */
export function dataVerdict(
  statements: readonly ValidationStatement[],
  results: readonly ValidationResult[],
): DataVerdict {
  const counts = results.map(countsOf);
  const all = counts[0]?.('rows') ?? NONE;
  const rejected = counts[0]?.('rejected') ?? NONE;
  const kept = all.rows - rejected.rows;
  const nulled = boundsOf(
    counts.map((count) => count('nulled').rows + count(`nulled${ANEW}`).rows),
    kept,
  );
  const noted = boundsOf(
    counts.map((count) => count('noted').rows),
    kept,
  );
  const rejectedToday = all.rows - all.anew;
  const accepted = rejectedToday - (rejected.rows - rejected.anew);
  const change = {
    rejectedToday,
    rejectedAnew: rejected.anew,
    accepted,
    nulledAnew: boundsOf(
      counts.map((count) => count(`nulled${ANEW}`).anew),
      kept - accepted,
    ),
  };
  const broken = new Map<string, BrokenRule>();
  statements.forEach((statement, index) => {
    // Critical rules are in every statement, and their counts are the same in each.
    for (const one of brokenRules(statement, results[index] ?? [])) broken.set(`${one.column} ${one.rule}`, one);
  });
  return {
    rows: all.rows,
    rejected: rejected.rows,
    nulled,
    // By one of several statements a row can be noted, and by another it loses a value.
    noted: statements.length > 1 ? { ...noted, atLeast: Math.max(0, noted.atLeast - nulled.atMost) } : noted,
    change: statements.every(({ compares }) => compares) ? change : undefined,
    broken: [...broken.values()],
    unjudged: statements[0]?.unjudged ?? [],
    filled: new Set(statements.flatMap(({ fields }, index) => filledOf(fields, results[index] ?? []))),
  };
}

interface Count {
  readonly rows: number;
  readonly anew: number;
}
const NONE: Count = { rows: 0, anew: 0 };

/** The counts of a result by code. */
function countsOf(result: ValidationResult): (code: string) => Count {
  const counts = new Map(result.map(([code, n, , anew]) => [code, { rows: Number(n), anew: Number(anew) }]));
  return (code) => counts.get(code) ?? NONE;
}

/** The number of rows that several statements counted, each by some of the rules. */
function boundsOf(counts: readonly number[], most: number): Bounds {
  const sum = counts.reduce((total, one) => total + one, 0);
  return { atLeast: Math.max(0, ...counts), atMost: Math.min(most, sum) };
}

/** The broken rules of one statement. A column can break a rule in two ways, such as `type` by a text or an object. */
function brokenRules(statement: ValidationStatement, result: ValidationResult): BrokenRule[] {
  const rows = new Map(result.map((row) => [row[0], row]));
  const broken = new Map<string, BrokenRule>();
  statement.rules.forEach((rule, index) => {
    const known = rows.get(String(index));
    const anew = rows.get(`${index}${ANEW}`);
    const both = [anew, known].filter((row) => row !== undefined);
    if (both.length === 0) return;
    // What is new of a critical rule is the row's rejection; of any other one, the violation that the star stands for.
    const counted = rule.critical || !statement.compares ? known : anew;
    const name = `${rule.column} ${rule.rule}`;
    const before = broken.get(name);
    broken.set(name, {
      ...rule,
      rows: both.reduce((sum, [, n]) => sum + Number(n), before?.rows ?? 0),
      anew: Number(counted?.[3] ?? 0) + (before?.anew ?? 0),
      samples: [...(before?.samples ?? []), ...both.flatMap((row) => samplesOf(row[2], rule))].slice(
        0,
        statement.samples,
      ),
    });
  });
  return [...broken.values()];
}

/** The columns whose bit is set. */
function filledOf(fields: readonly string[], result: ValidationResult): string[] {
  const masks = (result.find(([code]) => code === 'rows')?.[4] ?? '').split(',').map(Number);
  return fields.filter((_, index) => ((masks[Math.floor(index / MASK_BITS)] ?? 0) >> (index % MASK_BITS)) & 1);
}

function samplesOf(text: string | null | undefined, { rule, whole }: ValidationRule): ViolationSample[] {
  if (text === null || text === undefined || text === '') return [];
  return text.split(',').map((sample) => {
    const [messageId = '', value = ''] = sample.split('|').map((hex) => Buffer.from(hex, 'hex').toString('utf8'));
    return { messageId, value: rule === 'required' || whole ? null : value };
  });
}
