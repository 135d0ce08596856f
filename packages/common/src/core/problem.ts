/** One thing that is wrong with a topic schema. */
export interface SchemaProblem {
  /** A stable word in capitals, for readers of reports to branch on. */
  readonly code: string;
  /**
   * JSON pointer into the schema file: to the place, or to where a missing member belongs; empty for the file itself.
   */
  readonly path: string;
  readonly message: string;
  /** A sentence that says how to mend it. */
  readonly hint: string;
  /** A warning is told and refuses nothing; absent for an error. */
  readonly severity?: 'warning';
}

export function isWarning({ severity }: SchemaProblem): boolean {
  return severity === 'warning';
}

/**
 * The code of an upload's verdict when nothing was found wrong with its schema, but all tries to handle it failed. Unlike any
 * other code it says nothing against uploading the same text again.
 */
export const TRIES_ENDED = 'TRIES_ENDED';

/** Names that one sentence lists. */
const LISTED = 10;

/** Names in a sentence, the first ten of them: `a, b and 3 more`. */
export function listed(names: readonly string[]): string {
  const more = names.length - LISTED;
  return names.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** The JSON text of a value as a message shows it, cut to 80 characters. */
export function shown(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number past ±1.8e308';
  const text = (JSON.stringify(value) as string | undefined) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
