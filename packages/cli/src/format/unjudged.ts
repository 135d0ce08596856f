import { ROOT_COLUMN } from '@lean-ops/common/core';
import { counted, plain } from './text';

/** Rules that a text names one by one. */
const SHOWN_RULES = 10;

/** Names the rules that no statement judges rows by, such as `items of tags, oneOf of the payload`. */
export function unjudgedText(rules: readonly { readonly column: string; readonly rule: string }[]): string {
  const more = rules.length - SHOWN_RULES;
  const named = rules
    .slice(0, SHOWN_RULES)
    .map(({ column, rule }) => `${rule} of ${column === ROOT_COLUMN ? 'the payload' : plain(column)}`);
  return [...named, ...(more > 0 ? [counted(more, 'more rule')] : [])].join(', ');
}
