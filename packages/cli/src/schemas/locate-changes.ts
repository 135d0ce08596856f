import { isBreaking, type SchemaChange, type SchemaProblem } from '@lean-ops/common/core';
import { inReadingOrder, locateProblems, type LocatedProblem, type Position } from './locate-problems';

export interface DiffChange extends Position {
  readonly pointer: string;
  readonly code: SchemaChange['kind'];
  readonly impact: SchemaChange['impact'];
  readonly sentence: string;
  /** The way out of a breaking change; null for a compatible one. */
  readonly remedy: string | null;
}

/** The changes of a file and the reasons for its refusal, each with its position, in reading order. */
export function locateChanges(
  file: string,
  changes: readonly SchemaChange[],
  problems: readonly SchemaProblem[],
  locate: (pointer: string) => Position,
): { readonly changes: DiffChange[]; readonly problems: LocatedProblem[] } {
  return {
    changes: changes
      .map((change) => {
        const { kind, path: pointer, sentence, impact } = change;
        const remedy = isBreaking(change) ? change.remedy : null;
        return { ...locate(pointer), pointer, code: kind, impact, sentence, remedy };
      })
      .sort(inReadingOrder),
    // Breaking changes are among the changes already, with their remedies.
    problems: locateProblems(
      file,
      problems.filter(
        ({ code, path }) => !changes.some((one) => isBreaking(one) && one.kind === code && one.path === path),
      ),
      locate,
    ),
  };
}
