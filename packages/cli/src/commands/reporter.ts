import { resultGithub, resultText } from '../format/file-result';
import { EXIT, UsageError, type ExitCode, type Format, type Terminal } from '../terminal';
import { OUTCOMES, type FileResult, type Outcome } from '../upload/file-result';

export interface Reporter {
  readonly add: (result: FileResult) => void;
  /** Writes what is left to tell. @throws UsageError where nothing but one and the same failure was met */
  readonly end: (results: readonly FileResult[]) => void;
}

/** Shows each file as soon as its outcome is known: hundreds of uploads take minutes. */
export function reporter(format: Format, { write }: Terminal, silent: ReadonlySet<Outcome> = new Set()): Reporter {
  const show = format === 'json' ? undefined : format === 'github' ? resultGithub : resultText;
  return {
    add(result) {
      if (result.outcome !== OUTCOMES.failed && !silent.has(result.outcome)) write(show?.(result) ?? '');
    },
    end(results) {
      const failed = results.filter(({ outcome }) => outcome === OUTCOMES.failed);
      // A missing right or an unreachable endpoint meets all alike, and need not be told for each.
      const [reason, ...others] = new Set(failed.map(({ note }) => note));
      if (reason && others.length === 0 && failed.length === results.length) throw new UsageError(reason);
      for (const result of failed) write(show?.(result) ?? '');
    },
  };
}

const UNDONE: ReadonlySet<Outcome> = new Set([OUTCOMES.superseded, OUTCOMES.noVerdict, OUTCOMES.failed]);

export function exitCodeOf(results: readonly FileResult[]): ExitCode {
  if (results.some(({ outcome }) => UNDONE.has(outcome))) return EXIT.usage;
  return results.some(({ outcome }) => outcome === OUTCOMES.refused) ? EXIT.problems : EXIT.clean;
}
