/** Errors by fingerprint, for people and for programs. */
import {
  PARSE_ERROR_CODES,
  type ErrorGroup,
  type IgnoredMark,
  type STATES,
  type TopErrors,
} from '@lean-ops/common/core';
import { durationText } from '../status/duration';
import { layOutTable, type Display } from './table';
import { counted, plain } from './text';

/** The list, and what it was asked for. */
export interface ErrorList extends TopErrors {
  readonly topic: string | undefined;
  /** The beginning of a time in ISO 8601. */
  readonly since: string | undefined;
  readonly state: keyof typeof STATES;
  /** Who ignores what, by fingerprint. */
  readonly ignored: ReadonlyMap<string, IgnoredMark>;
}

/** A group as programs get it: with times in ISO 8601. */
export function groupJson({ firstSeen, lastSeen, ...rest }: ErrorGroup): object {
  return { ...rest, firstSeen: isoText(firstSeen), lastSeen: isoText(lastSeen) };
}

/** A time in ISO 8601; null for none. */
export function isoText(at: number | undefined): string | null {
  return at === undefined || Number.isNaN(at) ? null : new Date(at).toISOString();
}

export function topErrorsJson({ ignored, ...list }: ErrorList): string {
  const { topic, since, state, fingerprints, rows, topics, hidden } = list;
  const groups = list.groups.map((group) => ({
    ...groupJson(group),
    ...(group.state === 'ignored' && { ignored: ignored.get(group.fingerprint) ?? null }),
  }));
  const document = { topic, since, state, fingerprints, rows, topics, hidden, groups };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The list for people: what is wrong with the most messages comes first. */
export function topErrorsText(list: ErrorList, now: number, display: Display): string {
  const { groups, fingerprints, state, hidden } = list;
  const [first] = groups;
  const left = hidden === 0 ? '' : `${counted(hidden, 'fingerprint')} ignored: --state ignored\n`;
  if (first === undefined) return `No ${state === 'all' ? '' : `${state} `}errors${about(list)}.\n${left}`;
  const isResolved = state === 'resolved';
  const { text, shortened } = layOutTable(
    {
      columns: [
        // A fingerprint is copied into the next command, so it stays whole.
        { heading: 'fingerprint', kind: 'number' },
        { heading: 'state', kind: 'text' },
        isResolved ? { heading: 'resolved', kind: 'number' } : { heading: 'rows', kind: 'number', alert: 'error' },
        { heading: 'keys', kind: 'number' },
        { heading: 'topic', kind: 'text' },
        { heading: 'what', kind: 'text' },
        { heading: 'first ago', kind: 'number' },
        { heading: 'last ago', kind: 'number' },
        { heading: 'last day', kind: 'number' },
        { heading: 'day before', kind: 'number' },
      ],
      rows: groups.map((group) => [
        group.fingerprint,
        // Where all are simply open, or all resolved, the column says nothing and is left out.
        group.state === 'open' || group.state === state ? null : group.state,
        isResolved ? group.resolved : group.rows,
        group.keys,
        group.topic,
        whatText(group),
        ageText(now - group.firstSeen),
        ageText(now - group.lastSeen),
        group.lastDay,
        group.dayBefore,
      ]),
    },
    display,
  );
  const rest = fingerprints - groups.length;
  const more = rest === 0 ? '' : `${counted(rest, 'more fingerprint')} with fewer rows: --limit ${fingerprints}\n`;
  const cut = shortened ? 'Cut to fit: errors show has it whole.\n' : '';
  return `${headText(list)}\n\n${text}\n${more}${cut}${left}next: lean-ops errors show ${first.fingerprint}\n`;
}

function headText(list: ErrorList): string {
  const { fingerprints, rows, topics, state } = list;
  const causes = `${counted(fingerprints, 'fingerprint')} in ${counted(topics, 'topic')}${about(list)}`;
  if (state === 'resolved') return `Nothing is open of ${causes}.`;
  return `${counted(rows, `${state === 'ignored' ? 'ignored' : 'open'} row`)} of ${causes}.`;
}

function about({ topic, since }: Pick<ErrorList, 'topic' | 'since'>): string {
  const of = topic === undefined ? '' : ` of ${plain(topic)}`;
  return `${of}${since === undefined ? '' : `, seen since ${since.slice(0, 16).replace('T', ' ')} UTC`}`;
}

/** The broken rules, or the code of a parse error. */
export function whatText({ layer, signature }: Pick<ErrorGroup, 'layer' | 'signature'>): string {
  if (layer === 'standardized') return signature;
  return signature === '' ? 'unknown rules' : signature.replaceAll(',', ', ');
}

/** What is wrong, in words. */
export function meaningText(group: Pick<ErrorGroup, 'layer' | 'signature'>): string {
  const meaning = group.layer === 'standardized' ? PARSE_ERROR_CODES[group.signature] : undefined;
  return meaning === undefined ? whatText(group) : `${group.signature}: ${meaning}`;
}

/** A span of time in its largest unit, rounded down: `2 d`, `14 h`, `5 min`. */
function ageText(milliseconds: number): string {
  return durationText(milliseconds).split(' ').slice(0, 2).join(' ');
}
