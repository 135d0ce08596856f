import type { TextPosition } from './source-map';

const DEFAULT = 'a schema file is one JSON object: no comments, no trailing commas, names in double quotes';

/** Characters before a fault in which backslashes are counted: pairs of them stand for one each. */
const MAX_BACKSLASHES = 64;

/** Describes the place where a text stops being JSON, with a hint for the mistake that usually leads there. */
export function describeSyntaxError(
  text: string,
  { offset, line, column }: TextPosition,
): { message: string; hint: string } {
  const here = text.slice(offset);
  const before = text.slice(0, offset).trimEnd().slice(-1);
  const escape = brokenEscape(text.slice(Math.max(0, offset - MAX_BACKSLASHES), offset + 1));
  if (escape !== undefined)
    return { message: `not JSON at line ${line}, column ${column}: ${escape.what}`, hint: escape.hint };
  const message =
    here === ''
      ? `not JSON: the text ends at line ${line}, column ${column}, before it is complete`
      : `not JSON at line ${line}, column ${column}: unexpected ${symbolAt(here)}`;
  return { message, hint: hintFor(here, before) };
}

/**
 * What is wrong with an escape that the text ends in; undefined where it ends in none. The last character is the first
 * that JSON does not take.
 */
function brokenEscape(text: string): { readonly what: string; readonly hint: string } | undefined {
  const [, backslashes = '', unicode = ''] = /(\\+)(u[0-9a-f]{0,3})?[^]$/i.exec(text) ?? [];
  // Of a pair of backslashes the second is escaped itself.
  if (backslashes.length % 2 === 0) return undefined;
  const symbol = text.slice(-1);
  if (unicode !== '' && unicode.startsWith('u')) {
    return {
      what: '\\u without four hexadecimal digits',
      hint: 'write four digits, as in \\u00e9; for a backslash itself write \\\\',
    };
  }
  if (!/^[!-~]$/.test(symbol)) return { what: 'a lone backslash', hint: 'for a backslash itself write \\\\' };
  return { what: `"\\${symbol}" is not an escape`, hint: `double the backslash: "\\\\${symbol}"` };
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
  if (here.startsWith("'")) return 'write double quotes: JSON has no others';
  if (/^[<=>]{7}/.test(here)) return 'a merge conflict is left in the file: resolve it';
  if (/^[{[]/.test(here) && /[}\]]/.test(before)) {
    return 'put a comma between the two; if the schema has ended there, take out what follows: a file holds one schema';
  }
  if (/^["{[]/.test(here) && /["}\]0-9el]/.test(before))
    return 'put a comma in front of it, or a colon if it is the value of the name before';
  if (/^(?:NaN|Infinity|-?Infinity|None|True|False|undefined)\b/.test(here)) {
    return 'JSON has numbers, strings, true, false and null: no NaN, Infinity, None or True';
  }
  if (/^[\n\r\t]/.test(here)) return 'a string cannot hold a line break or tab: write \\n or \\t';
  if (/^[A-Za-z_$]/.test(here) && /[{,]/.test(before)) return 'put the name in double quotes';
  if (/^[}\]\w"{[]/.test(here) && /[}\]]/.test(before)) return 'a file holds one schema: take out what follows it';
  return DEFAULT;
}
