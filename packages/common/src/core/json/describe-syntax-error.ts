import type { TextPosition } from './source-map';

const DEFAULT = 'a schema file is one JSON object (RFC 8259): no comments, no trailing commas, names in double quotes';

/** Describes the place where a text stops being JSON, with a hint for the mistake that usually leads there. */
export function describeSyntaxError(
  text: string,
  { offset, line, column }: TextPosition,
): { message: string; hint: string } {
  const here = text.slice(offset);
  const before = text.slice(0, offset).trimEnd().slice(-1);
  const message =
    here === ''
      ? `the text ends at line ${line}, column ${column}, in the middle of something`
      : `not JSON: unexpected ${symbolAt(here)} at line ${line}, column ${column}`;
  return { message, hint: hintFor(here, before) };
}

/** The character itself, or its number where it is invisible. */
function symbolAt(here: string): string {
  const [symbol = ''] = here.slice(0, 2);
  return /[\p{C}\p{Z}]/u.test(symbol) ? `U+${(here.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}` : symbol;
}

function hintFor(here: string, before: string): string {
  if (here === '') return 'close what is open: look for a missing }, ] or "';
  if (/^(?:\/\/|\/\*|#)/.test(here)) return 'JSON has no comments: put the text in "$comment" or "description"';
  if (/^[}\]]/.test(here) && before === ',') return 'take out the comma before it: no comma follows the last member';
  if (here.startsWith("'")) return 'write double quotes: JSON knows no others';
  if (/^[<=>]{7}/.test(here)) return 'a merge conflict is left in the file: settle it';
  if (/^[{[]/.test(here) && /[}\]]/.test(before)) {
    return 'put a comma between the two; where the schema has ended, take out what follows: one file holds one schema';
  }
  if (/^["{[]/.test(here) && /["}\]0-9el]/.test(before)) return 'put a comma, or for a name a colon, in front of it';
  if (/^(?:NaN|Infinity|-?Infinity|None|True|False|undefined)\b/.test(here)) {
    return 'JSON knows numbers, strings, true, false and null: no NaN, Infinity, None or True';
  }
  if (/^[\n\r\t]/.test(here)) return 'a string ends on its own line: write \\n or \\t for what is inside it';
  if (/^[A-Za-z_$]/.test(here) && /[{,]/.test(before)) return 'put the name in double quotes';
  if (/^[}\]\w"{[]/.test(here) && /[}\]]/.test(before)) return 'one file holds one schema: take out what follows it';
  return DEFAULT;
}
