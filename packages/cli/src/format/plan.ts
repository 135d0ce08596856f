import type { ViolationSample } from '@lean-ops/common/core';
import type { LocatedProblem, Place } from '../schemas/locate-problems';
import type { DiffChange } from '../schemas/locate-changes';
import { changeAnnotation, changeText } from './diff';
import { counted, indent, plain, shortPointer } from './text';
import { annotate } from './github';
import { problemAnnotation, problemText } from './lint';

export interface PlanFinding extends Place {
  readonly pointer: string;
  /** The column of the table; `column` is the place in the file. */
  readonly field: string;
  readonly rule: string;
  /** What becomes of a row that breaks it: it is rejected, or its value becomes NULL. */
  readonly effect: 'rejected' | 'nulled';
  readonly rows: number;
  readonly samples: readonly ViolationSample[];
}

/** What was judged, and how it fared. */
export interface PlanDataReport {
  readonly status: 'no table' | 'no rows' | 'judged';
  /** `database.table` */
  readonly table: string;
  /** Rows ingested from then on; null for all. */
  readonly since: string | null;
  readonly rows: number;
  readonly rejected: number;
  /** The same number twice, but where the rules were too long for one statement. */
  readonly nulled: { readonly at_least: number; readonly at_most: number };
  readonly findings: readonly PlanFinding[];
}

export interface PlanReport {
  readonly file: string;
  readonly topic: string;
  readonly versions: { readonly active: number | null; readonly candidate: number };
  /** Would the validator refuse it? */
  readonly refused: boolean;
  readonly changes: readonly DiffChange[];
  /** Beyond the breaking changes. */
  readonly problems: readonly LocatedProblem[];
  readonly statements: readonly string[];
  readonly data: PlanDataReport;
  /** As it was asked for: `0`, `0.5%`. */
  readonly max_rejected: string;
  /** Are more rows rejected than that? */
  readonly exceeded: boolean;
}

const SHOWN_VALUE = 40;

function title({ topic, versions: { active, candidate } }: PlanReport): string {
  if (active === null) return `${plain(topic)}, first schema, version ${candidate}`;
  return `${plain(topic)}, version ${active === candidate ? candidate : `${active} → ${candidate}`}`;
}

function merge({ refused, versions, statements }: PlanReport): string {
  if (refused) {
    const stays = versions.active === null ? '' : `, and version ${versions.active} stays in force`;
    return `The merge would be refused: no table changes${stays}.`;
  }
  return statements.length === 0
    ? 'The merge changes no table.'
    : `The merge runs ${counted(statements.length, 'statement')}:`;
}

function nulledText({ nulled: { at_least: least, at_most: most } }: PlanDataReport): string {
  const count = least === most ? String(least) : `${least} to ${most}`;
  return `${count} would stay with values that become NULL`;
}

/** What was judged, in one sentence. */
function judged({ data }: PlanReport): string {
  const { status, table, since, rows, rejected } = data;
  const when = since === null ? '' : ` that came since ${since.slice(0, 19)}Z`;
  if (status === 'no table') return `No rows to judge: the table ${table} is not there yet.`;
  if (status === 'no rows') return `No rows to judge: ${table} has none${when}.`;
  return (
    `Judged ${counted(rows, 'row')} of ${table}${when}, the latest version of each record: ` +
    `${rejected} would be rejected, ${nulledText(data)}.`
  );
}

function sampleText({ messageId, value }: ViolationSample): string {
  const shown = value === null ? '' : ` ${plain(JSON.stringify(shorter(value)))}`;
  return `${plain(shorter(messageId, 80))}${shown}`;
}

function shorter(text: string, length = SHOWN_VALUE): string {
  const characters = Array.from(text);
  return characters.length > length ? `${characters.slice(0, length).join('')}…` : text;
}

function findingHead({ field, rule, effect, rows }: PlanFinding): string {
  return `${effect.toUpperCase()} ${rows}  ${plain(field)}: ${rule}`;
}

function findingText(finding: PlanFinding): string {
  const { line, column, samples } = finding;
  const where = `${line}:${column}`.padEnd(7);
  const lines = samples.map((sample) => `          ${sampleText(sample)}`);
  return [`  ${where} ${findingHead(finding)}`, ...lines, ''].join('\n');
}

/** The line that ends every report. */
function summary({ data, refused, exceeded, max_rejected: limit }: PlanReport): string {
  const faults = [
    ...(refused ? ['the merge would be refused'] : []),
    ...(exceeded ? [`${counted(data.rejected, 'row')} would be rejected, and ${limit} may be`] : []),
  ];
  return faults.length === 0 ? 'Nothing stands against a merge.\n' : `Not fit to merge: ${faults.join('; ')}.\n`;
}

export function planText(report: PlanReport): string {
  const { file, changes, problems, statements, data } = report;
  return [
    `${plain(file)}  (${title(report)})\n`,
    ...changes.map(changeText),
    ...problems.map(problemText),
    `  ${merge(report)}\n`,
    ...statements.map((sql) => `${indent(sql, 4)};\n`),
    `  ${judged(report)}\n`,
    ...data.findings.map(findingText),
    `\n${summary(report)}`,
  ].join('');
}

export function planJson(report: PlanReport): string {
  const { data, ...rest } = report;
  const findings = data.findings.map(({ samples, ...finding }) => ({
    ...finding,
    samples: samples.map(({ messageId, value }) => ({ message_id: messageId, value })),
  }));
  return `${JSON.stringify({ ...rest, data: { ...data, findings } }, null, 2)}\n`;
}

export function planGithub(report: PlanReport): string {
  const { file, changes, problems, statements, data, refused, exceeded } = report;
  const findings = data.findings.map((finding) =>
    annotate({
      level: finding.effect === 'rejected' && exceeded ? 'error' : 'notice',
      file,
      line: finding.line,
      column: finding.column,
      title: findingHead(finding),
      message: [`${shortPointer(finding.pointer)}, for example:`, ...finding.samples.map(sampleText)].join('\n'),
    }),
  );
  const whole = [merge(report), ...statements.map((sql) => `${sql};`), judged(report), summary(report).trimEnd()];
  return [
    ...changes.map((change) => changeAnnotation(file, change)),
    ...problems.map(problemAnnotation),
    ...findings,
    annotate({
      level: refused || exceeded ? 'error' : 'notice',
      file,
      line: 1,
      column: 1,
      title: title(report),
      message: whole.join('\n'),
    }),
    summary(report),
  ].join('');
}
