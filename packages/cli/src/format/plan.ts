import type { ViolationSample } from '@lean-ops/common/core';
import type { LocatedProblem, Position } from '../schemas/locate-problems';
import type { DiffChange } from '../schemas/locate-changes';
import { changeAnnotation, changeText } from './diff';
import { counted, indent, plain, shortPointer } from './text';
import { annotate } from './github';
import { problemAnnotation, problemText } from './lint';
import { showStatements, type StatementOptions } from './statements';

export interface PlanFinding extends Position {
  readonly pointer: string;
  /** The column of the table. (`column` is the position in the schema file.) */
  readonly field: string;
  readonly rule: string;
  /** The fate of a row that breaks the rule: the row is rejected, or the value becomes NULL. */
  readonly effect: 'rejected' | 'nulled';
  readonly rows: number;
  readonly samples: readonly ViolationSample[];
}

/** The rows that were validated, and the result. */
export interface PlanDataReport {
  readonly status: 'no table' | 'no rows' | 'judged';
  /** The table of the rows, as `database.table`. */
  readonly table: string;
  /** The oldest `ingested_at` of the rows; null when every row was validated. */
  readonly since: string | null;
  readonly rows: number;
  readonly rejected: number;
  /** One number twice, except when the rules were too long for one statement: then the bounds of the number. */
  readonly nulled: { readonly at_least: number; readonly at_most: number };
  readonly findings: readonly PlanFinding[];
}

export interface PlanReport {
  readonly file: string;
  readonly topic: string;
  readonly versions: { readonly active: number | null; readonly candidate: number };
  /** True when schema-validator would refuse the upload. */
  readonly refused: boolean;
  readonly changes: readonly DiffChange[];
  /** Reasons for the refusal other than the breaking changes. */
  readonly problems: readonly LocatedProblem[];
  readonly statements: readonly string[];
  readonly data: PlanDataReport;
  /** The limit as the user wrote it, such as `0` or `0.5%`. */
  readonly max_rejected: string;
  /** True when more rows would be rejected than the limit allows. */
  readonly exceeded: boolean;
}

/** Characters of a sample value that a line shows. */
const SHOWN_VALUE = 40;
/** Characters of a message id that a line shows. */
const SHOWN_MESSAGE_ID = 80;

function title({ topic, versions: { active, candidate } }: PlanReport): string {
  if (active === null) return `${plain(topic)}, first schema, version ${candidate}`;
  return `${plain(topic)}, version ${active === candidate ? candidate : `${active} → ${candidate}`}`;
}

/** What the merge does: one sentence, and the statements that it runs. */
function merge(
  { refused, versions, statements }: PlanReport,
  options: StatementOptions,
): ReturnType<typeof showStatements> {
  if (!refused) return showStatements(statements, options);
  const stays = versions.active === null ? '' : `, and version ${versions.active} stays in force`;
  return { sentence: `The merge would be refused: no table changes${stays}.`, statements: [] };
}

function nulledText({ nulled: { at_least: least, at_most: most } }: PlanDataReport): string {
  const count = least === most ? String(least) : `${least} to ${most}`;
  return `${count} would stay with values that become NULL`;
}

/** One sentence on the rows that were validated. */
function validatedText({ data }: PlanReport): string {
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
  return `${plain(shorter(messageId, SHOWN_MESSAGE_ID))}${shown}`;
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

/** The last line of the report. */
function summary({ data, refused, exceeded, max_rejected: limit }: PlanReport): string {
  const reasons = [
    ...(refused ? ['the merge would be refused'] : []),
    ...(exceeded
      ? [`${counted(data.rejected, 'row')} would be rejected (limit ${limit}; --max-rejected raises it)`]
      : []),
  ];
  return reasons.length === 0 ? 'OK to merge.\n' : `Blocked: ${reasons.join('; ')}.\n`;
}

export function planText(report: PlanReport, options: StatementOptions): string {
  const { file, changes, problems, data } = report;
  const { sentence, statements } = merge(report, options);
  return [
    `${plain(file)}  (${title(report)})\n`,
    ...changes.map(changeText),
    ...problems.map(problemText),
    `  ${sentence}\n`,
    ...statements.map((sql) => `${indent(sql, 4)}\n`),
    `  ${validatedText(report)}\n`,
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

export function planGithub(report: PlanReport, options: StatementOptions): string {
  const { file, changes, problems, data, refused, exceeded } = report;
  const { sentence, statements } = merge(report, options);
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
  const whole = [sentence, ...statements, validatedText(report), summary(report).trimEnd()];
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
