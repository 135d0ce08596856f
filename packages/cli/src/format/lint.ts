import type { LintReport } from '../schemas/lint-schemas';
import type { LocatedProblem } from '../schemas/locate-problems';
import { groupBy } from '../schemas/group-by';
import { counted, plain, shortPointer } from './text';
import { annotate } from './github';

export function problemText({ line, column, pointer, code, message, hint }: LocatedProblem): string {
  const where = `${line}:${column}`.padEnd(7);
  const lines = [
    `  ${where} ${code}${pointer === '' ? '' : `  ${shortPointer(pointer)}`}`,
    `          ${plain(message)}`,
    `          → ${plain(hint)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The last line of the report. */
function summary({ files, problems }: LintReport): string {
  const checked = `${counted(files, 'schema')} checked`;
  if (problems.length === 0) return `${checked}: no problems.\n`;
  const faulty = new Set(problems.map(({ file }) => file)).size;
  return `${checked}: ${counted(problems.length, 'problem')} in ${counted(faulty, 'file')}.\n`;
}

export function lintText(report: LintReport): string {
  const blocks = [...groupBy(report.problems, ({ file }) => file)].map(
    ([file, problems]) => `${plain(file)}\n${problems.map(problemText).join('')}`,
  );
  return [...blocks, summary(report)].join('\n');
}

export function lintJson(report: LintReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

export function problemAnnotation({ file, line, column, pointer, code, message, hint }: LocatedProblem): string {
  const where = pointer === '' ? '' : ` (${shortPointer(pointer)})`;
  return annotate({
    level: 'error',
    file,
    line,
    column,
    title: code,
    message: `${plain(message)}${where}\n→ ${plain(hint)}`,
  });
}

export function lintGithub(report: LintReport): string {
  return report.problems.map(problemAnnotation).join('') + summary(report);
}
