/**
 * The changes of what judges a value's text or several members at once. Whether another such rule takes all that the one before took is
 * not looked into: a rule that is gone takes more, and any other change may take less.
 */
import { breaking, CHANGE_KINDS, compatible, type SchemaChange } from './change';
import { pointerTo } from '../json/value';
import type { SchemaColumn, TopicSchema } from '../schema/model';

type Rules = Readonly<Record<string, string>>;

/** Characters of a rule that a change shows; drift_log has the same. */
const MAX_SHOWN = 500;

/** Where a rule stands, and what it is about. */
interface RulePlace {
  readonly pointer: string;
  /** The column that it is about; null for the payload as a whole. */
  readonly column: string | null;
}

export function ruleChanges(place: RulePlace, before: Rules, after: Rules): SchemaChange[] {
  const words = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return words
    .filter((word) => before[word] !== after[word])
    .map((word) => ruleChange(place, word, before[word], after[word]));
}

function ruleChange(
  { pointer, column }: RulePlace,
  word: string,
  before: string | undefined,
  after: string | undefined,
) {
  const what = `${word} of ${column ?? 'the payload'}`;
  const facts = {
    kind: CHANGE_KINDS.constraintChanged,
    path: after === undefined ? pointer : pointerTo(pointer, word),
    column,
    before: `${word} ${cut(before)}`,
    after: `${word} ${cut(after)}`,
  };
  if (after === undefined) return compatible({ ...facts, sentence: `${what} is gone: looser` });
  return breaking(
    {
      ...facts,
      sentence: `${what} ${before === undefined ? 'is new' : 'changes'}: events that passed before may fail now`,
    },
    before === undefined ? `leave ${word} out: only a topic's first version can set it` : `keep ${word} as it was`,
  );
}

function cut(rule: string | undefined): string {
  if (rule === undefined) return 'none';
  return rule.length > MAX_SHOWN ? `${rule.slice(0, MAX_SHOWN)}…` : rule;
}

/** How a time is read: another way gives another value for the same text. */
export function readingChanges(before: SchemaColumn, after: SchemaColumn): SchemaChange[] {
  if (before.reading === after.reading || before.athenaType !== after.athenaType) return [];
  const shown = (reading: string) => (reading === '' ? 'none' : reading);
  const facts = {
    kind: CHANGE_KINDS.constraintChanged,
    path: after.pointer,
    column: after.column,
    before: `reading ${shown(before.reading)}`,
    after: `reading ${shown(after.reading)}`,
    sentence: `${after.column} is read by ${shown(after.reading)} instead of ${shown(before.reading)}`,
  };
  const isLooser = before.reading === '' && after.reading === 'x-time-forms lenient';
  return isLooser
    ? [compatible({ ...facts, sentence: `${facts.sentence}: looser` })]
    : [breaking(facts, 'keep how it is read, and add a new field beside it')];
}

const STRICTNESS = { record: 0, note: 1, reject: 2 } as const;

/** What becomes of rows with undeclared members; it is a change only where an object is closed. */
export function undeclaredChanges(active: TopicSchema, candidate: TopicSchema): SchemaChange[] {
  const [before, after] = [active.undeclared, candidate.undeclared];
  if (before === after) return [];
  const facts = {
    kind: CHANGE_KINDS.keywordChanged,
    path: '/x-undeclared',
    column: null,
    before,
    after,
    sentence: `x-undeclared changes from ${before} to ${after}`,
  };
  return STRICTNESS[after] <= STRICTNESS[before]
    ? [compatible({ ...facts, sentence: `${facts.sentence}: looser` })]
    : [breaking({ ...facts, sentence: `${facts.sentence}: rows that passed before may not now` }, `keep ${before}`)];
}
