import type { Details, Finding, StatusReport } from '../status/report';
import { renderTable, type Cell, type Column, type Display } from './table';
import { indent, plain } from './text';

const RED = 31;
const YELLOW = 33;
const GREEN = 32;
const INDENT = 2;

/** The report for a terminal: what is wrong first, each with what to do next; what is well in one line an area. */
export function statusText(report: StatusReport, display: Display): string {
  const { problems, notes, unread, well } = report;
  const paint = (text: string, code: number): string => (display.colour ? `\u001b[${code}m${text}\u001b[39m` : text);
  const time = report.at.slice(0, 16).replace('T', ' ');
  const head = `${report.pipeline}, ${report.region}, ${time} UTC: ${paint(verdict(report), verdictColour(report))}\n`;
  const sections = [
    ...problems.map((one) => findingText(paint('PROBLEM', RED), one, display)),
    ...notes.map((one) => findingText(paint('NOTE', YELLOW), one, display)),
    ...(unread.length === 0 ? [] : [`${paint('COULD NOT LOOK', YELLOW)}\n${unreadText(unread, display)}\n`]),
    ...(well.length === 0
      ? []
      : [`${paint('WELL', GREEN)}\n${well.map(({ area, text }) => `  ${area.padEnd(13)} ${text}\n`).join('')}`]),
  ];
  return [head, ...sections].join('\n');
}

/** Each reason once, with the areas that it is about: without credentials, none of them can be read. */
function unreadText(unread: StatusReport['unread'], display: Display): string {
  const areas = new Map<string, string[]>();
  for (const { area, problem } of unread) areas.set(problem, [...(areas.get(problem) ?? []), area]);
  return [...areas]
    .map(([problem, of]) => indent(wrap(`${of.join(', ')}: ${plain(problem)}`, display), INDENT))
    .join('\n');
}

function verdict({ problems, notes, unread, well }: StatusReport): string {
  if (problems.length > 0) return problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  if (notes.length + well.length === 0) return 'nothing could be read';
  return unread.length > 0 ? 'no problem found, but not everything could be read' : 'nothing is wrong';
}

function verdictColour({ problems, unread }: StatusReport): number {
  return problems.length > 0 ? RED : unread.length > 0 ? YELLOW : GREEN;
}

function findingText(mark: string, { text, causes, details, next }: Finding, display: Display): string {
  const lines = [`${mark}  ${text}\n`];
  for (const cause of causes) lines.push(`${indent(wrap(plain(cause), display), INDENT)}\n`);
  if (details !== undefined) lines.push(tableText(details, display));
  if (next !== undefined) lines.push(`  ${next.startsWith('docs/') ? 'see' : 'next:'} ${next}\n`);
  return lines.join('');
}

/** Headings under which numbers stand. */
const NUMBERS: ReadonlySet<string> = new Set(['count', 'topics']);

function tableText({ headings, rows }: Details, { columns, colour }: Display): string {
  const of = (heading: string): Column => ({ heading, kind: NUMBERS.has(heading) ? 'number' : 'text' });
  const cells = rows.map((row) =>
    row.map((cell): Cell => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)),
  );
  const text = renderTable(
    { columns: headings.map(of), rows: cells },
    { columns: columns === undefined ? undefined : columns - INDENT, colour },
  );
  return text.replace(/^(?=.)/gm, ' '.repeat(INDENT));
}

/** Breaks a text at spaces, so that no line is longer than the display. */
function wrap(text: string, { columns = 100 }: Display): string {
  const room = columns - INDENT;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
