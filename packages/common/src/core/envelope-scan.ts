/**
 * Finds where the members of a JSON object stand in its text, so that a value can be passed on as it was sent: parsing
 * and writing again would round numbers, reorder and merge keys. It accepts what RFC 8259 (and JSON.parse) accepts, and
 * nothing else. One pass, a stack of its own: nesting of any depth costs memory, never the call stack.
 */
export interface Member {
  /** Decoded. */
  readonly key: string;
  /** The value's source text is `text.slice(start, end)`. */
  readonly start: number;
  readonly end: number;
}

export type JsonScan =
  | { readonly kind: 'object'; /** In source order, duplicates included. */ readonly members: readonly Member[] }
  | { readonly kind: 'other' }
  | { readonly kind: 'invalid'; /** Where the text stops being JSON, in UTF-16 units. */ readonly offset: number };

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

// Every skip function takes the offset where its token starts and gives the offset behind it, or ~offset (negative) of
// the fault. Past the end charCodeAt is NaN, which equals nothing and so faults by itself.

function skipSpace(text: string, start: number): number {
  let i = start;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c !== SPACE && c !== LINE_FEED && c !== CARRIAGE_RETURN && c !== TAB) return i;
    i++;
  }
}

function isHex(c: number): boolean {
  // 0x20 folds A-F on a-f.
  return (c >= ZERO && c <= NINE) || ((c | 0x20) >= 0x61 && (c | 0x20) <= LOWER_F);
}

function skipEscape(text: string, start: number): number {
  const c = text.charCodeAt(start + 1);
  if (c === LOWER_U) {
    for (let i = start + 2; i < start + 6; i++) if (!isHex(text.charCodeAt(i))) return ~i;
    return start + 6;
  }
  // "\/bfnrt
  const simple = c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === LOWER_F || c === LOWER_N;
  return simple || c === 0x72 || c === LOWER_T ? start + 2 : ~(start + 1);
}

function skipString(text: string, start: number): number {
  let i = start + 1;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) return i + 1;
    if (c === BACKSLASH) {
      i = skipEscape(text, i);
      if (i < 0) return i;
    } else if (c >= SPACE) i++;
    else return ~i;
  }
}

/** At least one digit. */
function skipDigits(text: string, start: number): number {
  let i = start;
  for (let c = text.charCodeAt(i); c >= ZERO && c <= NINE; c = text.charCodeAt(i)) i++;
  return i === start ? ~i : i;
}

function skipNumber(text: string, start: number): number {
  let i = text.charCodeAt(start) === MINUS ? start + 1 : start;
  i = text.charCodeAt(i) === ZERO ? i + 1 : skipDigits(text, i);
  if (i >= 0 && text.charCodeAt(i) === DOT) i = skipDigits(text, i + 1);
  if (i >= 0 && (text.charCodeAt(i) | 0x20) === 0x65) {
    const sign = text.charCodeAt(i + 1);
    i = skipDigits(text, sign === PLUS || sign === MINUS ? i + 2 : i + 1);
  }
  return i;
}

function skipWord(text: string, start: number, word: string): number {
  return text.startsWith(word, start) ? start + word.length : ~start;
}

function skipScalar(text: string, start: number): number {
  switch (text.charCodeAt(start)) {
    case QUOTE:
      return skipString(text, start);
    case LOWER_T:
      return skipWord(text, start, 'true');
    case LOWER_F:
      return skipWord(text, start, 'false');
    case LOWER_N:
      return skipWord(text, start, 'null');
    default:
      return skipNumber(text, start);
  }
}

/** From the quote of a key to the first character of its value. */
function skipKey(text: string, start: number): number {
  if (text.charCodeAt(start) !== QUOTE) return ~start;
  let i = skipString(text, start);
  if (i < 0) return i;
  i = skipSpace(text, i);
  return text.charCodeAt(i) === COLON ? skipSpace(text, i + 1) : ~i;
}

function skipValue(text: string, start: number): number {
  let i = start;
  /** The closing characters that are still due, innermost last. */
  const due: number[] = [];
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      const closing = c === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
      i = skipSpace(text, i + 1);
      if (text.charCodeAt(i) !== closing) {
        due.push(closing);
        if (closing === CLOSE_BRACE) i = skipKey(text, i);
        if (i < 0) return i;
        continue;
      }
      i++;
    } else {
      i = skipScalar(text, i);
      if (i < 0) return i;
    }
    // A value ended: close what closes here, then go on to the next element.
    for (;;) {
      const closing = due.at(-1);
      if (closing === undefined) return i;
      i = skipSpace(text, i);
      const next = text.charCodeAt(i);
      if (next === COMMA) {
        i = skipSpace(text, i + 1);
        if (closing === CLOSE_BRACE) i = skipKey(text, i);
        if (i < 0) return i;
        break;
      }
      if (next !== closing) return ~i;
      due.pop();
      i++;
    }
  }
}

/** The decoded text of a JSON string token. */
export function decodeString(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}

function invalid(fault: number): JsonScan {
  return { kind: 'invalid', offset: ~fault };
}

/** Reads one JSON document and gives the members of its outermost object. */
export function scanJson(text: string): JsonScan {
  let i = skipSpace(text, 0);
  const isObject = text.charCodeAt(i) === OPEN_BRACE;
  const members: Member[] = [];
  if (!isObject) {
    i = skipValue(text, i);
  } else {
    i = skipSpace(text, i + 1);
    if (text.charCodeAt(i) === CLOSE_BRACE) i++;
    else {
      for (let more = true; more;) {
        const keyStart = i;
        const start = skipKey(text, keyStart);
        if (start < 0) return invalid(start);
        const end = skipValue(text, start);
        if (end < 0) return invalid(end);
        members.push({ key: decodeKey(text, keyStart), start, end });
        i = skipSpace(text, end);
        const c = text.charCodeAt(i);
        if (c !== COMMA && c !== CLOSE_BRACE) return invalid(~i);
        more = c === COMMA;
        i = more ? skipSpace(text, i + 1) : i + 1;
      }
    }
  }
  if (i < 0) return invalid(i);
  i = skipSpace(text, i);
  if (i !== text.length) return invalid(~i);
  return isObject ? { kind: 'object', members } : { kind: 'other' };
}

function decodeKey(text: string, start: number): string {
  return decodeString(text.slice(start, skipString(text, start)));
}
