/**
 * Finds where the members of a JSON object stand in its text, so that a value can be passed on as it was sent: parsing
 * and writing it again would round numbers and reorder and merge keys. The scanner accepts exactly what RFC 8259 and
 * JSON.parse accept. It makes one pass with a stack of its own, so that nesting of any depth costs memory and never the
 * call stack.
 *
 * The text is read from an array of its UTF-16 units. That is twice as fast as charCodeAt, which asks at every
 * character what kind of string it has.
 */

/** One member of an object in a text. */
export interface Member {
  /** The member's name, decoded. */
  readonly key: string;
  /** The value's source text is `text.slice(start, end)`. */
  readonly start: number;
  readonly end: number;
}

export type JsonScan =
  | {
      readonly kind: 'object';
      /** All members in the order of the text, duplicates included. */ readonly members: readonly Member[];
    }
  | { readonly kind: 'other' }
  | {
      readonly kind: 'invalid';
      /** The offset at which the text stops being JSON, in UTF-16 units. */ readonly offset: number;
    };

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

/** The text's UTF-16 units, with a 0 behind them: no token accepts it, so none runs past the end. */
let units = new Uint16Array(16_384);
let unitBytes = Buffer.from(units.buffer);
/** Closing characters that are still due, the innermost last. */
let due = new Uint8Array(1_024);

/** The units of `text`, valid until the next call. The arrays are kept, as making them would cost more than reading. */
export function load(text: string): Uint16Array {
  if (text.length >= units.length) {
    units = new Uint16Array(text.length * 2);
    unitBytes = Buffer.from(units.buffer);
  }
  unitBytes.write(text, 'utf16le');
  units[text.length] = 0;
  return units;
}

// Every skip function takes the offset at which its token starts and gives the offset behind it, or ~offset (negative)
// of the fault. The array is a parameter, as reading it from the module at each character would halve the speed.

export function skipSpace(text: Uint16Array, start: number): number {
  let i = start;
  let c = text[i] ?? 0;
  while (c <= SPACE && (c === SPACE || c === LINE_FEED || c === CARRIAGE_RETURN || c === TAB)) c = text[++i] ?? 0;
  return i;
}

function isHex(c: number): boolean {
  // 0x20 makes a small letter of a capital one.
  return (c >= ZERO && c <= NINE) || ((c | 0x20) >= 0x61 && (c | 0x20) <= LOWER_F);
}

function skipEscape(text: Uint16Array, start: number): number {
  const c = text[start + 1] ?? 0;
  if (c === LOWER_U) {
    for (let i = start + 2; i < start + 6; i++) if (!isHex(text[i] ?? 0)) return ~i;
    return start + 6;
  }
  // The escapes are "\/bfnrt.
  const simple = c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === LOWER_F || c === LOWER_N;
  return simple || c === 0x72 || c === LOWER_T ? start + 2 : ~(start + 1);
}

export function skipString(text: Uint16Array, start: number): number {
  let i = start + 1;
  for (;;) {
    let c = text[i] ?? 0;
    // Most characters are letters, and most letters are above the backslash: one comparison each.
    while (c > BACKSLASH || (c !== QUOTE && c !== BACKSLASH && c >= SPACE)) c = text[++i] ?? 0;
    if (c === QUOTE) return i + 1;
    if (c !== BACKSLASH) return ~i;
    i = skipEscape(text, i);
    if (i < 0) return i;
  }
}

/** Skips digits, at least one. */
function skipDigits(text: Uint16Array, start: number): number {
  let i = start;
  for (let c = text[i] ?? 0; c >= ZERO && c <= NINE; c = text[i] ?? 0) i++;
  return i === start ? ~i : i;
}

function skipNumber(text: Uint16Array, start: number): number {
  let i = (text[start] ?? 0) === MINUS ? start + 1 : start;
  i = (text[i] ?? 0) === ZERO ? i + 1 : skipDigits(text, i);
  if (i >= 0 && (text[i] ?? 0) === DOT) i = skipDigits(text, i + 1);
  if (i >= 0 && ((text[i] ?? 0) | 0x20) === 0x65) {
    const sign = text[i + 1] ?? 0;
    i = skipDigits(text, sign === PLUS || sign === MINUS ? i + 2 : i + 1);
  }
  return i;
}

function skipWord(text: Uint16Array, start: number, word: string): number {
  for (let i = 0; i < word.length; i++) if ((text[start + i] ?? 0) !== word.charCodeAt(i)) return ~(start + i);
  return start + word.length;
}

function skipScalar(text: Uint16Array, start: number): number {
  switch (text[start] ?? 0) {
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

/** Skips from the end of a key to the first character of its value. */
export function skipColon(text: Uint16Array, start: number): number {
  const i = skipSpace(text, start);
  return (text[i] ?? 0) === COLON ? skipSpace(text, i + 1) : ~i;
}

/** Skips from the quote of a key to the first character of its value. */
function skipKey(text: Uint16Array, start: number): number {
  if ((text[start] ?? 0) !== QUOTE) return ~start;
  const i = skipString(text, start);
  return i < 0 ? i : skipColon(text, i);
}

function pushDue(depth: number, closing: number): void {
  if (depth === due.length) {
    const deeper = new Uint8Array(due.length * 2);
    deeper.set(due);
    due = deeper;
  }
  due[depth] = closing;
}

export function skipValue(text: Uint16Array, start: number): number {
  let i = start;
  let depth = 0;
  for (;;) {
    const c = text[i] ?? 0;
    if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      const closing = c === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
      i = skipSpace(text, i + 1);
      if ((text[i] ?? 0) !== closing) {
        pushDue(depth++, closing);
        if (closing === CLOSE_BRACE) i = skipKey(text, i);
        if (i < 0) return i;
        continue;
      }
      i++;
    } else {
      i = skipScalar(text, i);
      if (i < 0) return i;
    }
    // A value ended: close all containers that close here, then go on to the next element.
    for (;;) {
      if (depth === 0) return i;
      const closing = due[depth - 1];
      i = skipSpace(text, i);
      const next = text[i] ?? 0;
      if (next === COMMA) {
        i = skipSpace(text, i + 1);
        if (closing === CLOSE_BRACE) i = skipKey(text, i);
        if (i < 0) return i;
        break;
      }
      if (next !== closing) return ~i;
      depth--;
      i++;
    }
  }
}

/** The text that a JSON string token stands for. */
export function decodeString(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}

function invalid(fault: number): JsonScan {
  return { kind: 'invalid', offset: ~fault };
}

/** Scans one JSON document and gives the members of its outermost object. */
export function scanJson(text: string): JsonScan {
  const source = load(text);
  let i = skipSpace(source, 0);
  const isObject = (source[i] ?? 0) === OPEN_BRACE;
  const members: Member[] = [];
  if (!isObject) {
    i = skipValue(source, i);
  } else {
    i = skipSpace(source, i + 1);
    if ((source[i] ?? 0) === CLOSE_BRACE) i++;
    else {
      for (let more = true; more;) {
        const keyStart = i;
        if ((source[keyStart] ?? 0) !== QUOTE) return invalid(~keyStart);
        const keyEnd = skipString(source, keyStart);
        if (keyEnd < 0) return invalid(keyEnd);
        const start = skipColon(source, keyEnd);
        if (start < 0) return invalid(start);
        const end = skipValue(source, start);
        if (end < 0) return invalid(end);
        members.push({ key: decodeString(text.slice(keyStart, keyEnd)), start, end });
        i = skipSpace(source, end);
        const c = source[i] ?? 0;
        if (c !== COMMA && c !== CLOSE_BRACE) return invalid(~i);
        more = c === COMMA;
        i = more ? skipSpace(source, i + 1) : i + 1;
      }
    }
  }
  if (i < 0) return invalid(i);
  i = skipSpace(source, i);
  if (i !== text.length) return invalid(~i);
  return isObject ? { kind: 'object', members } : { kind: 'other' };
}

/**
 * The source text of each member of a JSON object; undefined for any other text. The last one of duplicates counts, as
 * with JSON.parse. In a Map `__proto__` is a key like any other.
 */
export function memberSources(text: string): ReadonlyMap<string, string> | undefined {
  const scan = scanJson(text);
  if (scan.kind !== 'object') return undefined;
  return new Map(scan.members.map(({ key, start, end }) => [key, text.slice(start, end)]));
}

/** The source text of each element of a JSON array; undefined for any other text. */
export function elementSources(text: string): string[] | undefined {
  if (scanJson(text).kind !== 'other') return undefined;
  const source = load(text);
  let i = skipSpace(source, 0);
  if ((source[i] ?? 0) !== OPEN_BRACKET) return undefined;
  const elements: string[] = [];
  i = skipSpace(source, i + 1);
  while ((source[i] ?? 0) !== CLOSE_BRACKET) {
    const end = skipValue(source, i);
    elements.push(text.slice(i, end));
    i = skipSpace(source, end);
    if ((source[i] ?? 0) === COMMA) i = skipSpace(source, i + 1);
  }
  return elements;
}
