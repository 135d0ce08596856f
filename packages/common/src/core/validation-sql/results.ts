import type { ValidationRule } from './rules';
import type { ValidationStatement } from './statements';

export interface ViolationSample {
  readonly messageId: string;
  /** The beginning of the text that is wrong; null where it is missing. */
  readonly value: string | null;
}

export interface BrokenRule extends ValidationRule {
  /** How many break it: of the rejected ones, and of the others. */
  readonly rows: number;
  /** The latest first. */
  readonly samples: readonly ViolationSample[];
}

/** How the rows of a table fare under a schema. */
export interface DataVerdict {
  readonly rows: number;
  readonly rejected: number;
  /** Rows that stay, with at least one value that becomes NULL. The two differ only where several statements had to judge. */
  readonly nulled: { readonly atLeast: number; readonly atMost: number };
  /** In the schema's order. */
  readonly broken: readonly BrokenRule[];
}

/** Rows of an answer to a judge statement: code, rows, samples. */
export type ValidationResult = readonly (readonly (string | null)[])[];

/** Puts the answers together. @param answers one for each statement */
export function dataVerdict(
  statements: readonly ValidationStatement[],
  answers: readonly ValidationResult[],
): DataVerdict {
  const counts = answers.map((answer) => new Map(answer.map(([code, n]) => [code, Number(n)])));
  const first = counts[0];
  const rows = first?.get('rows') ?? 0;
  const rejected = first?.get('rejected') ?? 0;
  const nulled = counts.map((one) => one.get('nulled') ?? 0);
  const broken = new Map<string, BrokenRule>();
  statements.forEach(({ rules }, index) => {
    const ofRules = (answers[index] ?? []).filter(([code]) => /^\d+$/.test(code ?? ''));
    for (const [code, n, samples] of ofRules.sort(([one], [other]) => Number(one) - Number(other))) {
      const rule = rules[Number(code)];
      // Critical rules are in every statement, and say the same in each.
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
