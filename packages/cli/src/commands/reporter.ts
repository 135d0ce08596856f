import { resultGithub, resultText } from '../format/file-result';
import { CliError } from '../errors';
import { EXIT, type ExitCode, type Format, type Terminal } from '../terminal';
import { OUTCOMES, type FileResult, type Outcome } from '../upload/file-result';

export interface Reporter {
  readonly add: (result: FileResult) => void;
  /**
   * Writes the files that failed.
   *
   * @throws CliError when every file failed for one and the same reason
   */
  readonly end: (results: readonly FileResult[]) => void;
}

/** The outcomes after which a schema is neither in force nor refused: the command did not do its work. */
const UNDONE: ReadonlySet<Outcome> = new Set([
  OUTCOMES.superseded,
  OUTCOMES.pendingMaintenance,
  OUTCOMES.pendingRebuild,
  OUTCOMES.noVerdict,
  OUTCOMES.failed,
]);

/**
 * Writes each file's outcome as soon as it is known, because hundreds of uploads take minutes.
 *
 * @param silent outcomes that are not written one by one
 */
export function reporter(format: Format, { write }: Terminal, silent: ReadonlySet<Outcome> = new Set()): Reporter {
  const show = format === 'json' ? undefined : format === 'github' ? resultGithub : resultText;
  return {
    add(result) {
      if (result.outcome !== OUTCOMES.failed && !silent.has(result.outcome)) write(show?.(result) ?? '');
    },
    end(results) {
      const failed = results.filter(({ outcome }) => outcome === OUTCOMES.failed);
      // A missing right or an unreachable endpoint fails every file alike, so one sentence is enough.
      const [reason, ...others] = new Set(failed.map(({ note }) => note));
      if (reason && others.length === 0 && failed.length === results.length) throw new CliError(reason);
      for (const result of failed) write(show?.(result) ?? '');
    },
  };
}

export function exitCodeOf(results: readonly FileResult[]): ExitCode {
  if (results.some(({ outcome }) => UNDONE.has(outcome))) return EXIT.failed;
  return results.some(({ outcome }) => outcome === OUTCOMES.refused) ? EXIT.problems : EXIT.clean;
}
