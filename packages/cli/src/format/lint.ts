import type { LintReport } from '../schemas/lint-schemas';
import { inReadingOrder, type LocatedProblem } from '../schemas/locate-problems';
import { groupBy } from '../schemas/group-by';
import { counted, plain, shortPointer } from './text';
import { annotate } from './github';

export function problemText({ line, column, pointer, code, message, hint, severity }: LocatedProblem): string {
  const where = `${line}:${column}`.padEnd(7);
  const lines = [
    `  ${where} ${severity === 'warning' ? 'warning ' : ''}${code}${pointer === '' ? '' : `  ${shortPointer(pointer)}`}`,
    `          ${plain(message)}`,
    `          → ${plain(hint)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The last line of the report. */
function summary({ files, problems, warnings = [] }: LintReport): string {
  const checked = `${counted(files, 'schema')} checked`;
  const faulty = new Set(problems.map(({ file }) => file)).size;
  const found =
    problems.length === 0 ? 'no problems' : `${counted(problems.length, 'problem')} in ${counted(faulty, 'file')}`;
  return `${checked}: ${found}${warnings.length === 0 ? '' : `, ${counted(warnings.length, 'warning')}`}.\n`;
}

/** Problems and warnings together, those of each file in the order of its lines. */
function allOf({ problems, warnings = [] }: LintReport): [file: string, found: LocatedProblem[]][] {
  const files = groupBy([...problems, ...warnings], ({ file }) => file);
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, found]) => [file, [...found].sort(inReadingOrder)]);
}

export function lintText(report: LintReport): string {
  const blocks = allOf(report).map(([file, found]) => `${plain(file)}\n${found.map(problemText).join('')}`);
  return [...blocks, summary(report)].join('\n');
}

export function lintJson(report: LintReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

export function problemAnnotation(problem: LocatedProblem): string {
  const { file, line, column, pointer, code, message, hint, severity = 'error' } = problem;
  const where = pointer === '' ? '' : ` (${shortPointer(pointer)})`;
  return annotate({
    level: severity,
    file,
    line,
    column,
    title: code,
    message: `${plain(message)}${where}\n→ ${plain(hint)}`,
  });
}

export function lintGithub(report: LintReport): string {
  const found = allOf(report).flatMap(([, problems]) => problems);
  return found.map(problemAnnotation).join('') + summary(report);
}
