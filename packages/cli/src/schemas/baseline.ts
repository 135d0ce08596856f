/** A set of schemas that `schema diff` compares files with: those of a git commit, or those in force. */
export interface Baseline {
  /** The baseline's name in a report. */
  readonly name: string;
  /** Absolute paths of the baseline's files below a path, whether or not the working directory still has them. */
  readonly filesBelow: (absolute: string) => Promise<string[]>;
  /** The text of a file, or undefined when the baseline has no such file. */
  readonly read: (absolute: string) => Promise<string | undefined>;
  /** Whether its files hold the files that they refer to, as those do that were uploaded. */
  readonly areWhole: boolean;
}
