import { inReadingOrder, type LocatedProblem } from '../schemas/locate-problems';
import type { DiffChange } from '../schemas/locate-changes';
import { counted, indent, plain, shortPointer } from './text';
import { annotate } from './github';
import { problemAnnotation, problemText } from './lint';
import { showStatements, type StatementOptions } from './statements';

export interface DiffFile {
  readonly file: string;
  readonly topic: string | null;
  readonly status: 'added' | 'changed' | 'removed' | 'invalid';
  readonly versions: { readonly before: number | null; readonly after: number | null };
  /** True when the baseline has a file that is not a schema. */
  readonly baseUnreadable: boolean;
  /** True when schema-validator would refuse the upload. */
  readonly refused: boolean;
  /** Why the file breaks the version before, where it says so: Curated is rebuilt under it. null for any other file. */
  readonly rebuild: string | null;
  readonly changes: readonly DiffChange[];
  /** Reasons for the refusal other than the breaking changes. */
  readonly problems: readonly LocatedProblem[];
  readonly statements: readonly string[];
}

export interface DiffReport {
  readonly base: string;
  /** Number of files compared. */
  readonly compared: number;
  /** The files that differ from the baseline. */
  readonly files: readonly DiffFile[];
}

function title({ topic, status, versions: { before, after } }: DiffFile): string {
  const name = plain(topic ?? 'no topic');
  switch (status) {
    case 'added':
      return `${name}, new, version ${after ?? '?'}`;
    case 'changed':
      return before === after
        ? `${name}, version ${after ?? '?'}`
        : `${name}, version ${before ?? '?'} → ${after ?? '?'}`;
    case 'removed':
      return `${name}, removed`;
    case 'invalid':
      return `${name}, not a valid schema`;
  }
}

export function changeText({ line, column, pointer, code, impact, sentence, remedy }: DiffChange): string {
  const where = `${line}:${column}`.padEnd(7);
  const lines = [
    `  ${where} ${impact === 'breaking' ? 'BREAKING  ' : ''}${code}${pointer === '' ? '' : `  ${shortPointer(pointer)}`}`,
    `          ${plain(sentence)}`,
    ...(remedy === null ? [] : [`          → ${plain(remedy)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Changes and other reasons for a refusal, as their places follow each other in the file. */
export function entriesText(changes: readonly DiffChange[], problems: readonly LocatedProblem[]): string {
  return [
    ...changes.map((change) => ({ ...change, text: changeText(change) })),
    ...problems.map((problem) => ({ ...problem, text: problemText(problem) })),
  ]
    .sort(inReadingOrder)
    .map(({ text }) => text)
    .join('');
}

/** What the merge does: one sentence, and the statements that it runs. */
function merge(
  { status, refused, rebuild, statements, versions, baseUnreadable }: DiffFile,
  options: StatementOptions,
): ReturnType<typeof showStatements> {
  const no = (sentence: string) => ({ sentence, statements: [] });
  if (status === 'removed') {
    return no('The merge uploads nothing: the active schema stays in force, and the tables stay.');
  }
  if (refused) {
    const stays = versions.before === null ? '' : `, and version ${versions.before} stays in force`;
    return no(`The merge would be refused: no table changes${stays}.`);
  }
  if (rebuild !== null) return no(rebuildText(versions.before, versions.after, rebuild));
  return showStatements(statements, options, baseUnreadable ? ' (the file before was not a schema)' : '');
}

/** What a merge does that breaks the version before. */
export function rebuildText(before: number | null, after: number | null, reason: string): string {
  return (
    `The merge breaks version ${before ?? '?'}, for this reason: ${plain(reason)}. Curated is rebuilt under version ${after ?? '?'} beside ` +
    'the table that people read, and swapped in; until then nothing changes for them.'
  );
}

function fileText(file: DiffFile, options: StatementOptions): string {
  const { sentence, statements } = merge(file, options);
  return [
    `${plain(file.file)}  (${title(file)})\n`,
    entriesText(file.changes, file.problems),
    `  ${sentence}\n`,
    ...statements.map((sql) => `${indent(sql, 4)}\n`),
  ].join('');
}

function summary({ base, compared, files }: DiffReport): string {
  const all = `${counted(compared, 'schema')} compared with ${plain(base)}`;
  if (files.length === 0) return `${all}: no differences.\n`;
  const changes = files.flatMap((file) => file.changes);
  const breaking = changes.filter(({ impact }) => impact === 'breaking').length;
  const refused = files.filter((file) => file.refused).length;
  const of = (status: DiffFile['status']) => files.filter((file) => file.status === status).length;
  const impacts = `${counted(breaking, 'breaking change')}, ${counted(changes.length - breaking, 'compatible change')}`;
  const parts = [
    [of('added'), 'new', ''],
    [of('changed'), 'changed', ` (${impacts})`],
    [of('removed'), 'removed', ''],
    [of('invalid'), 'not valid', ''],
  ] as const;
  const words = parts.flatMap(([count, word, more]) => (count === 0 ? [] : [`${count} ${word}${more}`]));
  return `${all}: ${words.join(', ')}${refused === 0 ? '' : `; the merge would refuse ${refused}`}.\n`;
}

export function diffText(report: DiffReport, options: StatementOptions): string {
  return [...report.files.map((file) => fileText(file, options)), summary(report)].join('\n');
}

export function diffJson(report: DiffReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

export function changeAnnotation(
  file: string,
  { impact, line, column, code, pointer, sentence, remedy }: DiffChange,
  accepted = false,
): string {
  return annotate({
    level: impact !== 'breaking' ? 'notice' : accepted ? 'warning' : 'error',
    file,
    line,
    column,
    title: impact === 'breaking' ? `BREAKING ${code}` : code,
    message: `${plain(sentence)} (${shortPointer(pointer)})${remedy === null ? '' : `\n→ ${plain(remedy)}`}`,
  });
}

function fileAnnotations(file: DiffFile, options: StatementOptions): string {
  const changes = file.changes.map((change) => changeAnnotation(file.file, change, file.rebuild !== null));
  const { sentence, statements } = merge(file, options);
  const message = [sentence, ...statements].join('\n');
  const whole = { file: file.file, line: 1, column: 1, title: title(file), message };
  return [
    ...changes,
    ...file.problems.map(problemAnnotation),
    annotate({ level: file.refused ? 'error' : file.rebuild === null ? 'notice' : 'warning', ...whole }),
  ].join('');
}

export function diffGithub(report: DiffReport, options: StatementOptions): string {
  return report.files.map((file) => fileAnnotations(file, options)).join('') + summary(report);
}
