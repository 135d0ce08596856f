/** One fingerprint, for people and for programs. */
import type { ErrorGroup, ErrorSample, IgnoredMark } from '@lean-ops/common/core';
import type { LocatedRule, SchemaRules } from '../recorded-errors/locate-rules';
import type { ShownError } from '../recorded-errors/read-errors';
import { durationText, timeText } from '../status/duration';
import { shortArn } from './operations';
import { counted, indent, plain } from './text';
import { groupJson, isoText, meaningText } from './top-errors';

/** Characters of a record or payload that people see: a payload may have a million. */
const MAX_CONTENT = 2_000;
const MAX_LINE = 160;

export function shownErrorJson({ group, samples, schema, ignored }: ShownError): string {
  const shown = {
    group: groupJson(group),
    schema: schema ?? null,
    ignored: ignored ?? null,
    samples: samples.map(({ receivedAt, detectedAt, resolvedAt, ...sample }) => ({
      ...sample,
      receivedAt: isoText(receivedAt),
      detectedAt: isoText(detectedAt),
      resolvedAt: isoText(resolvedAt),
    })),
  };
  return `${JSON.stringify(shown, null, 2)}\n`;
}

/** What is wrong, since when, where the schema states it, and with which messages. */
export function shownErrorText({ group, samples, schema, ignored }: ShownError, now: number): string {
  const { fingerprint, state, topic, firstSeen, lastSeen, lastDay, dayBefore } = group;
  const line = (name: string, value: string): string => (value === '' ? '' : `  ${name.padEnd(9)} ${value}\n`);
  const seen = (at: number): string => `${timeText(at, now)} (${durationText(now - at)} ago)`;
  return [
    `${fingerprint}: ${state}, ${plain(topic)}\n`,
    line('what', plain(meaningText(group))),
    line('open', openText(group)),
    line('ignored', ignored === undefined ? '' : ignoredText(ignored, now)),
    line('resolved', resolvedText(group)),
    line('seen', `first ${seen(firstSeen)}, last ${seen(lastSeen)}`),
    line('trend', `${counted(lastDay, 'row')} in the last 24 h, ${counted(dayBefore, 'row')} in the 24 h before`),
    schema === undefined ? '' : schemaText(schema),
    samples.length === 0 ? '' : `\nThe newest:\n${samples.map((one) => sampleText(one, now)).join('')}`,
    nextText(group),
  ].join('');
}

function nextText({ state, fingerprint, rows }: ErrorGroup): string {
  if (rows === 0) return '';
  if (state === 'ignored') return `\nto see to it again: lean-ops errors reopen ${fingerprint} --reason TEXT\n`;
  if (state === 'replaying') return '\nits replay runs: lean-ops op list\n';
  return `\nwhen it is mended: lean-ops errors replay ${fingerprint}\nsee docs/errors.md\n`;
}

function openText({ rows, lost, noted, keys, layer }: ErrorGroup): string {
  if (rows === 0) return 'none';
  const of = layer === 'standardized' ? counted(keys, 'message') : counted(keys, 'key');
  if (layer === 'standardized') return `${counted(rows, 'row')} of ${of}, which are not in Standardized`;
  const nulled = rows - lost - noted;
  const effects = [
    ...(lost === 0 ? [] : [`${lost} rejected`]),
    ...(nulled === 0 ? [] : [`${nulled} nulled, which are in Curated without the value`]),
    ...(noted === 0 ? [] : [`${noted} noted, which are in Curated with all values`]),
  ];
  return `${counted(rows, 'row')} of ${of}: ${effects.join(', ')}`;
}

/** Who ignores it, since when, until when, and why. */
export function ignoredText({ by, since, until, reason }: IgnoredMark, now: number): string {
  const end = until === undefined ? '' : `, until ${timeText(Date.parse(until), now)}`;
  return `since ${timeText(Date.parse(since), now)} by ${shortArn(by)}${end}: ${plain(reason)}`;
}

function resolvedText({ resolved, outcomes }: ErrorGroup): string {
  return resolved === 0 ? '' : [counted(resolved, 'row'), ...outcomes.map(outcomeText)].join(`\n${' '.repeat(12)}`);
}

/** What became of a row, in words. */
function outcomeText(outcome: string): string {
  if (outcome === 'REVALIDATED') return 'validated again by a later version of the schema';
  if (outcome === 'RESOLVED') return 'a rebuild did not find it again';
  const [kind, operation = ''] = outcome.split(/:(.*)/s);
  if (kind === 'REBUILT') return `the rebuild ${plain(operation)} did not find it again`;
  if (kind === 'UNDONE') return `taken back with ${plain(operation)}`;
  if (kind === 'REPLAYED') return `replayed by ${plain(operation)}: it is in the table`;
  if (kind === 'SUPERSEDED')
    return `judged as valid by ${plain(operation)}; a newer version of the record is in the table`;
  if (kind === 'REJUDGED') return `judged again by ${plain(operation)}: it is on record with another verdict`;
  return plain(outcome);
}

function schemaText(schema: SchemaRules): string {
  if (!schema.found) return `  ${'schema'.padEnd(9)} ${plain(schema.problem)}\n`;
  const version = schema.version === undefined ? '' : ` (version ${schema.version}, in force)`;
  return schema.rules
    .map((rule) => {
      const where = rule.state === 'no field' ? schema.key : `${schema.key}:${rule.line}`;
      return `  ${'schema'.padEnd(9)} ${where}${version}${ruleText(rule)}\n`;
    })
    .join('');
}

function ruleText({ column, rule, state, text }: LocatedRule): string {
  if (state === 'no field') return `: it has no field ${plain(column)} any more`;
  const line = plain(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text);
  const changed = state === 'changed' ? `: it states no ${plain(rule)} of ${plain(column)} any more` : '';
  return `${changed}\n${indent(line, 14)}`;
}

function sampleText(sample: ErrorSample, now: number): string {
  const { messageId, key, cycleId, detectedAt, receivedAt, effect, schemaVersion, outcome, resolvedAt } = sample;
  const facts = [
    timeText(detectedAt, now),
    `message ${messageId}`,
    effect,
    ...(schemaVersion === undefined ? [] : [`by version ${schemaVersion}`]),
  ];
  const taken = receivedAt === undefined ? '' : `, received ${timeText(receivedAt, now)}`;
  const more = [...(key === undefined || key === messageId ? [] : [`key ${key}`]), `cycle ${cycleId}${taken}`];
  const said =
    sample.message === undefined
      ? sample.violations.map(
          ({ column, rule, message, value }) =>
            `${column} ${rule}: ${value === undefined ? '' : `${value === null ? 'nothing' : JSON.stringify(value)} `}${message}`,
        )
      : [sample.message];
  const closed =
    outcome === undefined
      ? []
      : [`resolved${resolvedAt === undefined ? '' : ` ${timeText(resolvedAt, now)}`}: ${outcomeText(outcome)}`];
  const lines = [...more, ...said, ...closed, ...contentLines(sample.content)];
  return `  ${plain(facts.join('  '))}\n${lines.map((text) => `    ${plain(text)}\n`).join('')}`;
}

function contentLines(content: string | undefined): string[] {
  if (content === undefined) return [];
  const rest = content.length - MAX_CONTENT;
  return [content.slice(0, MAX_CONTENT), ...(rest > 0 ? [`… ${rest} more characters: --format json has all`] : [])];
}
