export const CHANGE_KINDS = {
  columnAdded: 'COLUMN_ADDED',
  columnRemoved: 'COLUMN_REMOVED',
  /** A column that the table has goes on under another name (x-renamed-from). */
  columnRenamed: 'COLUMN_RENAMED',
  typeChanged: 'TYPE_CHANGED',
  constraintChanged: 'CONSTRAINT_CHANGED',
  /** Objects in a column are kept as sent from now on, or are no more: `x-flatten`. */
  flatteningChanged: 'FLATTENING_CHANGED',
  /** A word at the head of the schema: x-event-time, x-event-time-stable, x-backfill, x-replay-errors. */
  keywordChanged: 'KEYWORD_CHANGED',
  /** A title, a description or the spelling of a name: no row shows such a change. */
  annotationChanged: 'ANNOTATION_CHANGED',
} as const;

export type ChangeKind = (typeof CHANGE_KINDS)[keyof typeof CHANGE_KINDS];

export interface ChangeFacts {
  readonly kind: ChangeKind;
  /** JSON pointer into the candidate, or into the active schema where the candidate lacks the place. */
  readonly path: string;
  /** The column that changes; null for a change of the schema as a whole. */
  readonly column: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly sentence: string;
}

/**
 * One change. A compatible one leaves every valid row valid and its values as they are. A breaking one might not, so
 * that Curated would depend on when the schema changed; its remedy says what to do instead.
 */
export type SchemaChange =
  | (ChangeFacts & { readonly impact: 'compatible' })
  | (ChangeFacts & { readonly impact: 'breaking'; readonly remedy: string });

export function compatible(facts: ChangeFacts): SchemaChange {
  return { ...facts, impact: 'compatible' };
}

export function breaking(facts: ChangeFacts, remedy: string): SchemaChange {
  return { ...facts, impact: 'breaking', remedy };
}

export function isBreaking(change: SchemaChange): change is Extract<SchemaChange, { impact: 'breaking' }> {
  return change.impact === 'breaking';
}

/** A change of words for the reader, of the place that `what` names. */
export function annotation(
  path: string,
  column: string | null,
  before: string,
  after: string,
  what: string,
): SchemaChange {
  const kind = CHANGE_KINDS.annotationChanged;
  return compatible({ kind, path, column, before, after, sentence: `${what} changed; no row is affected` });
}
