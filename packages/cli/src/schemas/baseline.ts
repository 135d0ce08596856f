/** The schemas that are in force, or were: what `schema diff` compares files with. */
export interface Baseline {
  /** As a report names it. */
  readonly name: string;
  /** Absolute paths of the files below a path, whether they are still there or not. */
  readonly filesBelow: (absolute: string) => Promise<string[]>;
  /** undefined where it has no such file. */
  readonly read: (absolute: string) => Promise<string | undefined>;
}
