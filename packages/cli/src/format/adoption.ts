import type { AdoptedChange } from '@lean-ops/common/core';
import type { LocatedProblem } from '../schemas/locate-problems';
import { groupBy } from '../schemas/group-by';
import { problemText } from './lint';
import { counted, plain, shortPointer } from './text';

/** What `schema adopt` made of one file. */
export interface AdoptedFile {
  readonly file: string;
  /** null for a file that could not be read. */
  readonly topic: string | null;
  /** The file that was written; null where none was. */
  readonly out: string | null;
  readonly adopted: boolean;
  readonly columns: number;
  /** Whether the pipeline reads it in another form than it is written in: another draft, references, composition. */
  readonly translated: boolean;
  /** Fields whose column is not called as they are. */
  readonly names: readonly { readonly path: string; readonly column: string }[];
  readonly changes: readonly AdoptedChange[];
  readonly warnings: readonly LocatedProblem[];
  /** What is left to do, with places in the text as it was adopted so far. */
  readonly problems: readonly LocatedProblem[];
  /** The text of the adopted schema; null where there is none. */
  readonly schema: string | null;
}

/** Lines of one kind that are shown of a file. */
const SHOWN = 20;

export function adoptionText(files: readonly AdoptedFile[]): string {
  const adopted = files.filter((file) => file.adopted).length;
  return `${files.map(fileText).join('\n')}\n${counted(files.length, 'schema')}: ${adopted} adopted.\n`;
}

function fileText({
  file,
  topic,
  out,
  adopted,
  columns,
  translated,
  names,
  changes,
  warnings,
  problems,
}: AdoptedFile): string {
  const written = out === null ? '' : `, written to ${plain(out)}`;
  const state = adopted ? `adopted as ${topic ?? ''}: ${counted(columns, 'column')}${written}` : 'not adopted';
  const byKind = [...groupBy(changes, ({ kind }) => kind)].map(([kind, ofKind]) =>
    listed(
      `${kind}: ${ofKind.length}`,
      ofKind.map(({ pointer, note }) => `${shortPointer(pointer === '' ? '(the file)' : pointer)}  ${plain(note)}`),
    ),
  );
  const renamed = names.map(({ path, column }) => `${plain(path)} → ${column}`);
  return [
    `${plain(file)}: ${state}\n`,
    translated ? '  translated: the pipeline reads its normal form, which says the same\n' : '',
    ...byKind,
    renamed.length === 0 ? '' : listed(`names changed: ${renamed.length}`, renamed),
    ...warnings.map(problemText),
    ...problems.map(problemText),
  ].join('');
}

function listed(heading: string, lines: readonly string[]): string {
  const more = lines.length - SHOWN;
  return [
    `  ${heading}`,
    ...lines.slice(0, SHOWN).map((line) => `    ${line}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** @param plan what `schema plan --format json` printed; undefined where nothing was planned */
export function adoptionJson(files: readonly AdoptedFile[], plan: string | undefined): string {
  const planned: unknown = plan === undefined ? null : JSON.parse(plan);
  return `${JSON.stringify({ files, plan: planned }, null, 2)}\n`;
}
