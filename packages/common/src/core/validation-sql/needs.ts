/** What the conditions of rules need a statement to have beside the rules themselves. */
import type { TextSql } from './stored-texts';

/** An expression by the quoted name that conditions refer to it by. */
export interface NamedSql {
  readonly name: string;
  readonly sql: string;
}

export interface Needs {
  /** Texts that come from the first of several columns which has one. */
  readonly texts: readonly TextSql[];
  /** Expressions over the texts. */
  readonly prepared: readonly NamedSql[];
  /** Expressions over the texts and those. */
  readonly values: readonly NamedSql[];
  /** The schema's columns that are read. */
  readonly reads: readonly string[];
  /** The table's columns that are read beside those: members that the schema does not name. */
  readonly members: readonly string[];
}

/** Takes down what is needed while conditions are written. */
export interface NeedsCollector {
  readonly readFirst: (text: TextSql) => void;
  readonly prepare: (named: readonly NamedSql[]) => void;
  readonly type: (named: readonly NamedSql[]) => void;
  readonly read: (columns: readonly string[]) => void;
  readonly readMembers: (columns: readonly string[]) => void;
  readonly found: () => Needs;
}

export function needsCollector(): NeedsCollector {
  const all: Needs[] = [];
  const none: Needs = { texts: [], prepared: [], values: [], reads: [], members: [] };
  return {
    readFirst: (text) => void all.push({ ...none, texts: text.of.length > 1 ? [text] : [] }),
    prepare: (prepared) => void all.push({ ...none, prepared }),
    type: (values) => void all.push({ ...none, values }),
    read: (reads) => void all.push({ ...none, reads }),
    readMembers: (members) => void all.push({ ...none, members }),
    found: () => mergedNeeds(all),
  };
}

/** Puts needs together, each name once, in the order in which they come first. */
export function mergedNeeds(needs: readonly Needs[]): Needs {
  const named = <T extends { readonly name: string }>(of: (one: Needs) => readonly T[]): readonly T[] => {
    const first = new Map<string, T>();
    for (const one of needs.flatMap(of)) if (!first.has(one.name)) first.set(one.name, one);
    return [...first.values()];
  };
  return {
    texts: named(({ texts }) => texts),
    prepared: named(({ prepared }) => prepared),
    values: named(({ values }) => values),
    reads: [...new Set(needs.flatMap(({ reads }) => reads))],
    members: [...new Set(needs.flatMap(({ members }) => members))],
  };
}
