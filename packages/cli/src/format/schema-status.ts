import { TRIES_ENDED } from '@lean-ops/common/core';
import type { LocatedProblem } from '../schemas/locate-problems';
import type { SchemaState } from '../schemas/schema-state';
import { problemText } from './lint';
import { renderTable, type Cell, type Column, type Display } from './table';
import { counted, plain } from './text';

/** A schema's state, with every problem of a refused upload; null where its report was not read. */
export interface SchemaStatus extends SchemaState {
  readonly problems: readonly LocatedProblem[] | null;
}

const COLUMNS: readonly Column[] = [
  { heading: 'topic', kind: 'text' },
  { heading: 'state', kind: 'text' },
  { heading: 'version', kind: 'number' },
  { heading: 'active since (UTC)', short: 'active since', kind: 'text' },
  { heading: 'what is wrong or under way', short: 'what', kind: 'text' },
];

/** A time as people read it: `2026-11-23 10:00`. */
export function minuteOf(time: string | null): string {
  return time === null ? '?' : time.slice(0, 16).replace('T', ' ');
}

function whatIsUp({ state, pending, failed, operatorStatus }: SchemaState): string | null {
  const parts = [
    state === 'STUCK' && pending ? `no verdict since ${minuteOf(pending.since)}` : '',
    state === 'PENDING' && pending ? `uploaded ${minuteOf(pending.since)}${failed ? ', after a refusal' : ''}` : '',
    state !== 'PENDING' && failed ? `refused ${minuteOf(failed.since)}: ${failed.code}` : '',
    operatorStatus === null ? '' : `held: ${operatorStatus}`,
    pending?.waitsForRelease === true ? 'waits for the release' : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? null : parts.join('; ');
}

function row(status: SchemaStatus): readonly Cell[] {
  const { topic, state, active } = status;
  return [topic, state, active?.version ?? null, active ? minuteOf(active.since) : null, whatIsUp(status)];
}

/** A line for each schema, and what to do about those that need it. */
export function statusText(all: readonly SchemaStatus[], display: Display): string {
  if (all.length === 0) return 'No topic has a schema.\n';
  const count = (state: SchemaState['state']) => all.filter((one) => one.state === state).length;
  const words = (
    [
      ['STUCK', 'stuck'],
      ['FAILED', 'failed'],
      ['PENDING', 'pending'],
      ['ACTIVE', 'active'],
    ] as const
  ).flatMap(([state, word]) => (count(state) === 0 ? [] : [`${count(state)} ${word}`]));
  return [
    renderTable({ columns: COLUMNS, rows: all.map(row) }, display),
    `\n${counted(all.length, 'schema')}: ${words.join(', ')}.\n`,
    count('FAILED') === 0 ? '' : 'Every problem of a failed one: lean-ops schema status TOPIC\n',
    count('STUCK') === 0 ? '' : `${STUCK}\n`,
  ].join('');
}

const STUCK = 'A stuck upload needs an operator: see docs/runbooks/failed-schema-uploads.md';

/** Where all tries ended, nothing was found wrong with the schema. */
function whatToDo({ topic, active, failed }: SchemaState): string {
  const push = `lean-ops schema push schemas/${plain(topic)}`;
  if (failed?.code === TRIES_ENDED) return `Upload it again once the cause is mended: ${push}`;
  return active === null
    ? `Correct the file and push it: ${push}`
    : `Correct the file and push it, or push the active one to withdraw the upload: ${push}`;
}

/** Everything about one schema. */
export function oneStatusText(status: SchemaStatus): string {
  const { topic, state, active, pending, failed, operatorStatus, problems } = status;
  const at = (time: string | null) => `${minuteOf(time)} UTC`;
  const stays = active === null ? 'no schema is active' : `version ${active.version ?? '?'} stays active`;
  return [
    `${plain(topic)}: ${state}\n`,
    active === null ? '' : `  active   version ${active.version ?? '?'}, since ${at(active.since)}\n`,
    pending === null
      ? ''
      : `  pending  uploaded ${at(pending.since)}, ${pending.waitsForRelease ? 'decided on when the topic is released, or rebuilt' : 'without a verdict yet'}\n`,
    failed === null ? '' : `  failed   refused ${at(failed.since)}; ${stays}\n`,
    operatorStatus === null ? '' : `  held     ${operatorStatus}, set by an operator\n`,
    ...(problems ?? []).map(problemText),
    failed !== null && problems === null ? `          ${plain(failed.code)}: ${plain(failed.message)}\n` : '',
    state === 'FAILED' && failed !== null ? `${whatToDo(status)}\n` : '',
    state === 'STUCK' ? `${STUCK}\n` : '',
  ].join('');
}

export function statusJson(all: readonly SchemaStatus[]): string {
  return `${JSON.stringify({ schemas: all }, null, 2)}\n`;
}
