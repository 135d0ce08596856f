import { isBreaking, type SchemaChange, type SchemaProblem } from '@lean-ops/common/core';
import { inReadingOrder, locateProblems, type LocatedProblem, type Place } from './locate-problems';

export interface DiffChange extends Place {
  readonly pointer: string;
  readonly code: SchemaChange['kind'];
  readonly impact: SchemaChange['impact'];
  readonly sentence: string;
  /** What to do instead; null for a compatible change. */
  readonly remedy: string | null;
}

/** What a file changes and why it would be refused, with the places of both, in reading order. */
export function locateChanges(
  file: string,
  changes: readonly SchemaChange[],
  problems: readonly SchemaProblem[],
  locate: (pointer: string) => Place,
): { readonly changes: DiffChange[]; readonly problems: LocatedProblem[] } {
  return {
    changes: changes
      .map((change) => {
        const { kind, path: pointer, sentence, impact } = change;
        const remedy = isBreaking(change) ? change.remedy : null;
        return { ...locate(pointer), pointer, code: kind, impact, sentence, remedy };
      })
      .sort(inReadingOrder),
    // A breaking change is told as a change, with its remedy.
    problems: locateProblems(
      file,
      problems.filter(({ code }) => !code.startsWith('BREAKING_')),
      locate,
    ),
  };
}
