/** The tests that `--grep` asks for: a test file, with `::` and a name within it, or a part of the names of tests. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../local/paths';

export interface Selection {
  /** A test file, from the repository's root. Undefined: every file. */
  readonly file: string | undefined;
  /** A part of the names of tests. Undefined: every test. */
  readonly name: string | undefined;
}

/** A name may have a slash too, so a text is a file only where that file is there. */
export function selectionOf(grep: string | undefined): Selection {
  if (grep === undefined) return { file: undefined, name: undefined };
  const [file = '', ...names] = grep.split('::');
  if (!file.includes('/') || !existsSync(path.join(ROOT, file))) return { file: undefined, name: grep };
  return { file, name: names.length === 0 ? undefined : names.join('::') };
}

/** The words of pytest's expressions, which stand for no name. */
const OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'None', 'True', 'False']);

/** A part of a name as an expression for pytest's `-k`, in which only words may stand. */
export function keywords(name: string): string {
  return (name.match(/\w+/g) ?? []).filter((word) => !OPERATORS.has(word)).join(' and ');
}

/** A part of a name as a regular expression for Jest's `-t`. */
export function literally(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
