import type { RuleEffect, ViolationSample } from '@lean-ops/common/core';
import type { LocatedProblem, Position } from '../schemas/locate-problems';
import type { DiffChange } from '../schemas/locate-changes';
import { changeAnnotation, changeText, rebuildText } from './diff';
import { counted, indent, plain, shortPointer } from './text';
import { annotate } from './github';
import type { SlipWarning } from './slip-warning';
import { problemAnnotation, problemText } from './lint';
import { unjudgedText } from './unjudged';
import { showStatements, type StatementOptions } from './statements';

export interface PlanFinding extends Position {
  readonly pointer: string;
  /** The column of the table. (`column` is the position in the schema file.) */
  readonly field: string;
  readonly rule: string;
  /** The fate of a row that breaks the rule: it is rejected, the value becomes NULL, or it stays and that is on record. */
  readonly effect: RuleEffect;
  readonly rows: number;
  /** Of how many of these rows that is new: the active version does not reject them, or not the column's value. */
  readonly new_rows: number;
  readonly samples: readonly ViolationSample[];
}

/** A slip that the data shows, with its place in the schema file. */
export interface PlanWarning extends Position, SlipWarning {}

/** A number of rows: the same number twice, except when the rules were too long for one statement. */
export interface RowCount {
  readonly at_least: number;
  readonly at_most: number;
}

/** The rows that were validated, and the result. */
export interface PlanDataReport {
  readonly status: 'no table' | 'no rows' | 'validated';
  /** The table of the rows, as `database.table`. */
  readonly table: string;
  /** The oldest `ingested_at` of the rows; null when every row was validated. */
  readonly since: string | null;
  readonly rows: number;
  readonly rejected: number;
  /** Rows that stay, with at least one value that becomes NULL. */
  readonly nulled: RowCount;
  /** Rows that stay as they are, with a broken rule about an object on record. */
  readonly noted: RowCount;
  /** How many of those that are rejected or nulled are new: all of them for a first schema, and where the active version was not compared with. */
  readonly new: { readonly rejected: number; readonly nulled: RowCount };
  /** What the active version does with the rows; null for a first schema, and where it was not compared with. */
  readonly today: { readonly rejected: number; readonly rejected_that_would_pass: number } | null;
  /** Why the rows were not validated by the active version, too; null where they were, or there is none. */
  readonly not_compared: string | null;
  /** The rules that the rows were not validated by, as no statement can judge them. */
  readonly not_judged: readonly { readonly pointer: string; readonly field: string; readonly rule: string }[];
  readonly findings: readonly PlanFinding[];
}

export interface PlanReport {
  readonly file: string;
  readonly topic: string;
  readonly versions: { readonly active: number | null; readonly candidate: number };
  /** True when schema-validator would refuse the upload. */
  readonly refused: boolean;
  /** Why the candidate breaks the active version, where there is a reason: Curated is rebuilt under it. null for any other one. */
  readonly rebuild: string | null;
  readonly changes: readonly DiffChange[];
  /** Reasons for the refusal other than the breaking changes. */
  readonly problems: readonly LocatedProblem[];
  readonly statements: readonly string[];
  readonly data: PlanDataReport;
  readonly warnings: readonly PlanWarning[];
  /** The limit as the user wrote it, such as `0` or `0.5%`. */
  readonly max_rejected: string;
  /** True when more rows would newly be rejected than the limit allows. */
  readonly exceeded: boolean;
  /** Whether warnings block the merge. */
  readonly strict: boolean;
  /** What blocks the merge; the command ends with 0 when nothing does. */
  readonly blocked_by: readonly Blocker[];
}

/** The reasons not to merge. */
export type Blocker = 'refusal' | 'rejected rows' | 'warnings';

/** Characters of a sample value that a line shows. */
const SHOWN_VALUE = 40;
/** Characters of a message id that a line shows. */
const SHOWN_MESSAGE_ID = 80;
/** Warnings that a text shows. */
const SHOWN_WARNINGS = 20;

function title({ topic, versions: { active, candidate } }: PlanReport): string {
  if (active === null) return `${plain(topic)}, first schema, version ${candidate}`;
  return `${plain(topic)}, version ${active === candidate ? candidate : `${active} → ${candidate}`}`;
}

/** What the merge does: one sentence, and the statements that it runs. */
function merge(
  { refused, rebuild, versions, statements }: PlanReport,
  options: StatementOptions,
): ReturnType<typeof showStatements> {
  if (!refused && rebuild !== null) {
    return { sentence: rebuildText(versions.active, versions.candidate, rebuild), statements: [] };
  }
  if (!refused) return showStatements(statements, options);
  const stays = versions.active === null ? '' : `, and version ${versions.active} stays in force`;
  return { sentence: `The merge would be refused: no table changes${stays}.`, statements: [] };
}

function countText({ at_least: least, at_most: most }: RowCount): string {
  return least === most ? String(least) : `${least} to ${most}`;
}

/** What the rows that were validated have come to, in one line or a few. */
function validatedLines({ data, versions }: PlanReport): readonly string[] {
  const { status, table, since, rows, rejected, nulled, noted, new: anew, today, not_compared: notCompared } = data;
  const when = since === null ? '' : ` that came since ${since.slice(0, 19)}Z`;
  if (status === 'no table') return [`No rows to validate: the table ${table} does not exist yet.`];
  if (status === 'no rows') return [`No rows to validate: ${table} has none${when}.`];
  const head = `Validated ${counted(rows, 'row')} of ${table}${when} (the latest version of each record)`;
  const reason = [
    ...(notCompared === null
      ? []
      : [`Not compared with version ${versions.active}: ${notCompared}. Every rejected row counts as new.`]),
    ...(data.not_judged.length === 0
      ? []
      : [
          `Not judged by the plan: ${unjudgedText(data.not_judged.map(({ field, rule }) => ({ column: field, rule })))}.`,
        ]),
  ];
  const pass = today?.rejected_that_would_pass ?? 0;
  if (rejected + nulled.at_most + noted.at_most + pass === 0) return [`${head}: all pass.`, ...reason];
  const more = (count: string) => (today === null ? '' : `, ${count} more than today`);
  return [
    `${head}:`,
    `  ${rejected} would be rejected${more(String(anew.rejected))}`,
    `  ${countText(nulled)} would stay with values that become NULL${more(countText(anew.nulled))}`,
    ...(noted.at_most === 0 ? [] : [`  ${countText(noted)} would stay as they are, and be noted in errors`]),
    ...(pass === 0 ? [] : [`  ${counted(pass, 'row')} that ${pass === 1 ? 'is' : 'are'} rejected today would pass`]),
    ...reason,
  ];
}

function sampleText({ messageId, value }: ViolationSample): string {
  const shown = value === null ? '' : ` ${plain(JSON.stringify(shorter(value)))}`;
  return `${plain(shorter(messageId, SHOWN_MESSAGE_ID))}${shown}`;
}

function shorter(text: string, length = SHOWN_VALUE): string {
  const characters = Array.from(text);
  return characters.length > length ? `${characters.slice(0, length).join('')}…` : text;
}

function findingHead(
  { field, rule, effect, rows, new_rows: anew }: PlanFinding,
  { data: { today } }: PlanReport,
): string {
  const news = today === null ? '' : ` (${anew} new)`;
  return `${effect.toUpperCase()} ${rows}${news}  ${plain(field)}: ${rule}`;
}

function findingText(finding: PlanFinding, report: PlanReport): string {
  const lines = finding.samples.map((sample) => `          ${sampleText(sample)}`);
  return [`  ${positionText(finding)} ${findingHead(finding, report)}`, ...lines, ''].join('\n');
}

function positionText({ line, column }: Position): string {
  return `${line}:${column}`.padEnd(7);
}

function warningText(warning: PlanWarning): string {
  return `  ${positionText(warning)} ${warning.code}  ${warningMessage(warning)}\n`;
}

function warningMessage({ field, message }: PlanWarning): string {
  return plain(field === null ? message : `${field}: ${message}`);
}

function warningTexts({ warnings }: PlanReport): readonly string[] {
  const more = warnings.length - SHOWN_WARNINGS;
  return [
    ...warnings.slice(0, SHOWN_WARNINGS).map(warningText),
    ...(more > 0 ? [`          and ${more} more: --format json has all\n`] : []),
  ];
}

function blockerText(blocker: Blocker, { data, warnings, max_rejected: limit }: PlanReport): string {
  switch (blocker) {
    case 'refusal':
      return 'the merge would be refused';
    case 'rejected rows': {
      const which = data.today === null ? '' : data.new.rejected === 1 ? ' that passes today' : ' that pass today';
      return `${counted(data.new.rejected, 'row')}${which} would be rejected (limit ${limit}; --max-rejected raises it)`;
    }
    case 'warnings':
      return `${counted(countOfWarnings(warnings), 'warning')} (--strict)`;
  }
}

function countOfWarnings(warnings: readonly PlanWarning[]): number {
  return warnings.filter(({ severity }) => severity === 'warning').length;
}

/** The last line of the report. */
function summary(report: PlanReport): string {
  const { blocked_by: blockers, warnings } = report;
  if (blockers.length > 0) return `Blocked: ${blockers.map((one) => blockerText(one, report)).join('; ')}.\n`;
  const count = countOfWarnings(warnings);
  return count === 0 ? 'OK to merge.\n' : `OK to merge, with ${counted(count, 'warning')}.\n`;
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
    ...validatedLines(report).map((text) => `  ${text}\n`),
    ...data.findings.map((finding) => findingText(finding, report)),
    ...warningTexts(report),
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
  const { file, changes, problems, data, warnings, exceeded, strict, blocked_by: blockers } = report;
  const { sentence, statements } = merge(report, options);
  const findings = data.findings.map((finding) =>
    annotate({
      level: finding.effect === 'rejected' && finding.new_rows > 0 && exceeded ? 'error' : 'notice',
      file,
      line: finding.line,
      column: finding.column,
      title: findingHead(finding, report),
      message: [
        `${shortPointer(finding.pointer)}${finding.samples.length === 0 ? '' : ', for example:'}`,
        ...finding.samples.map(sampleText),
      ].join('\n'),
    }),
  );
  const slips = warnings.map((warning) =>
    annotate({
      level: warning.severity === 'note' ? 'notice' : strict ? 'error' : 'warning',
      file,
      line: warning.line,
      column: warning.column,
      title: warning.code,
      message: warningMessage(warning),
    }),
  );
  const whole = [sentence, ...statements, ...validatedLines(report), summary(report).trimEnd()];
  return [
    ...changes.map((change) => changeAnnotation(file, change, report.rebuild !== null && !report.refused)),
    ...problems.map(problemAnnotation),
    ...findings,
    ...slips,
    annotate({
      level: blockers.length > 0 ? 'error' : report.rebuild === null ? 'notice' : 'warning',
      file,
      line: 1,
      column: 1,
      title: title(report),
      message: whole.join('\n'),
    }),
    summary(report),
  ].join('');
}
