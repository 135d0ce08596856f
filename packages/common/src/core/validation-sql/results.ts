import type { ValidationRule } from './rules';
import type { ValidationStatement } from './statements';

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
  /** Samples in the order of their messages, the latest first. */
  readonly samples: readonly ViolationSample[];
}

/** How the rows of a table fare under a schema. */
export interface DataVerdict {
  readonly rows: number;
  readonly rejected: number;
  /**
   * Rows that stay, with at least one value that becomes NULL. The two differ only where several statements were
   * needed.
   */
  readonly nulled: { readonly atLeast: number; readonly atMost: number };
  /** The broken rules in the schema's order. */
  readonly broken: readonly BrokenRule[];
}

/** The rows that Athena answers to a ValidationStatement: code, number of rows, samples. */
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
  const counts = results.map((result) => new Map(result.map(([code, n]) => [code, Number(n)])));
  const first = counts[0];
  const rows = first?.get('rows') ?? 0;
  const rejected = first?.get('rejected') ?? 0;
  const nulled = counts.map((one) => one.get('nulled') ?? 0);
  const broken = new Map<string, BrokenRule>();
  statements.forEach(({ rules }, index) => {
    const ofRules = (results[index] ?? []).filter(([code]) => /^\d+$/.test(code ?? ''));
    for (const [code, n, samples] of ofRules.sort(([one], [other]) => Number(one) - Number(other))) {
      const rule = rules[Number(code)];
      // Critical rules are in every statement, and their counts are the same in each.
      if (rule)
        broken.set(`${rule.column} ${rule.rule}`, { ...rule, rows: Number(n), samples: samplesOf(samples, rule) });
    }
  });
  return {
    rows,
    rejected,
    nulled: {
      atLeast: Math.max(0, ...nulled),
      atMost: Math.min(
        rows - rejected,
        nulled.reduce((sum, one) => sum + one, 0),
      ),
    },
    broken: [...broken.values()],
  };
}

function samplesOf(text: string | null | undefined, { rule }: ValidationRule): ViolationSample[] {
  if (text === null || text === undefined || text === '') return [];
  return text.split(',').map((sample) => {
    const [messageId = '', value = ''] = sample.split('|').map((hex) => Buffer.from(hex, 'hex').toString('utf8'));
    return { messageId, value: rule === 'required' ? null : value };
  });
}
