import type { LocatedProblem } from '../schemas/locate-problems';

/** What became of one schema file. */
export const OUTCOMES = {
  /** In force, with its tables. */
  ready: 'READY',
  /** Was in force before: nothing was uploaded. */
  active: 'ACTIVE',
  /** A dry run: would be uploaded. */
  planned: 'PLANNED',
  refused: 'REFUSED',
  /** A newer upload of the topic took its place. */
  superseded: 'SUPERSEDED',
  noVerdict: 'NO_VERDICT',
  /** A service failed. */
  failed: 'FAILED',
} as const;

export type Outcome = (typeof OUTCOMES)[keyof typeof OUTCOMES];

export interface FileResult {
  readonly file: string;
  readonly topic: string;
  readonly outcome: Outcome;
  readonly uploaded: boolean;
  /** Of the schema in the file; null where that is no schema. */
  readonly version: number | null;
  /** To what was active before; null where nothing was, or nothing could be compared. */
  readonly changes: number | null;
  /** From the upload to the verdict. */
  readonly seconds: number | null;
  /** A sentence more, for people. */
  readonly note: string | null;
  readonly problems: readonly LocatedProblem[];
}
