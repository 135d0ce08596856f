import type { LocatedProblem } from '../schemas/locate-problems';

/** The outcomes of a schema file. The values are part of `--format json`. */
export const OUTCOMES = {
  /** The schema is in force, and its tables exist. */
  ready: 'READY',
  /** The schema was in force before, and nothing was uploaded. */
  active: 'ACTIVE',
  /** This is a dry run, and a real one would upload the schema. */
  planned: 'PLANNED',
  refused: 'REFUSED',
  /** A newer upload of the topic took the place of this one. */
  superseded: 'SUPERSEDED',
  /** The topic is held; the upload waits and is decided on when the topic is released. */
  pendingMaintenance: 'PENDING_MAINTENANCE',
  /** It breaks the active schema; Curated is rebuilt under it, which makes it active. */
  pendingRebuild: 'PENDING_REBUILD',
  noVerdict: 'NO_VERDICT',
  /** A service failed, or refused. */
  failed: 'FAILED',
} as const;

export type Outcome = (typeof OUTCOMES)[keyof typeof OUTCOMES];

/** The result of one schema file, as `--format json` prints it. */
export interface FileResult {
  readonly file: string;
  readonly topic: string;
  readonly outcome: Outcome;
  readonly uploaded: boolean;
  /** The version of the schema in the file; null when the file is not a schema. */
  readonly version: number | null;
  /** Number of changes to the schema that was active; null when none was, or nothing could be compared. */
  readonly changes: number | null;
  /** True when the schema was active already, and is uploaded to give its tables what they lack. */
  readonly mends: boolean;
  /** Seconds from the upload to the verdict; null when nothing was uploaded, or nothing decided. */
  readonly seconds: number | null;
  /** One more sentence for people. */
  readonly note: string | null;
  readonly problems: readonly LocatedProblem[];
}
