/** One thing wrong with a topic schema. */
export interface SchemaProblem {
  /** Stable, to branch on. */
  readonly code: string;
  /** JSON pointer into the schema file (of something missing: where it belongs); empty for the file itself. */
  readonly path: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** A value as a message shows it: JSON, cut short. */
export function shown(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number past ±1.8e308';
  const text = (JSON.stringify(value) as string | undefined) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
