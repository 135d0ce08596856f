import { decodeString, load, skipColon, skipSpace, skipString, skipValue, type Member } from './scan';

/**
 * Finds the members of an object in a text that is no JSON because of one member's value: `NaN`, single quotes, a
 * comment, a text that was cut off. Everything but that value has to be what RFC 8259 allows. The time is linear in the
 * length of the text.
 */

/** The members of an object of which one value is broken. */
export interface BrokenScan {
  /** Members in the order of the text, duplicates included. */
  readonly members: readonly Member[];
  /**
   * Whether the end of the broken value is known. Else it is the last member, and its value all that follows its colon,
   * so that nothing is lost.
   */
  readonly closed: boolean;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const OPEN_PARENTHESIS = 0x28;
const STAR = 0x2a;
const COMMA = 0x2c;
const SLASH = 0x2f;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BYTE_ORDER_MARK = 0xfeff;

const isDelimiter = (unit: number | undefined): boolean => unit === COMMA || unit === CLOSE_BRACE;
const isSpace = (unit: number | undefined): boolean =>
  unit === SPACE || unit === LINE_FEED || unit === CARRIAGE_RETURN || unit === TAB;

/** Whether a quote or a comment starts here. Elsewhere the character is a part of a word: `don't`, `http://`. */
function startsToken(c: number, before: number): boolean {
  const isBetween = before <= SPACE || before === COMMA || before === OPEN_BRACKET || before === OPEN_BRACE;
  return isBetween || before === OPEN_PARENTHESIS || (before === COLON && c === APOSTROPHE);
}

/** The offset behind the quote that closes a string, or `limit` where none does. Line ends and other controls may be in it. */
function endOfQuoted(text: Uint16Array, start: number, limit: number): number {
  const quote = text[start];
  for (let i = start + 1; i < limit; i++) {
    if (text[i] === BACKSLASH) i++;
    else if (text[i] === quote) return i + 1;
  }
  return limit;
}

/** The offset behind a comment, or `limit` where it does not end. */
function endOfComment(text: Uint16Array, start: number, limit: number): number {
  const isBlock = text[start + 1] === STAR;
  for (let i = start + 2; i < limit; i++) {
    const c = text[i];
    if (isBlock ? c === STAR && text[i + 1] === SLASH : c === LINE_FEED || c === CARRIAGE_RETURN) {
      return isBlock ? i + 2 : i;
    }
  }
  return limit;
}

/**
 * The offset of the comma or brace that ends a broken value: the first one outside brackets and strings. undefined where
 * brackets do not pair, or a string or comment does not end before `limit`.
 *
 * @param wide whether brackets in single quotes and in comments are hidden, as those in double quotes always are
 */
function delimiterOf(text: Uint16Array, start: number, limit: number, wide: boolean): number | undefined {
  const due: number[] = [];
  let i = start;
  while (i < limit) {
    const c = text[i] ?? 0;
    if (due.length === 0 && isDelimiter(c)) return i;
    if (c === OPEN_BRACE || c === OPEN_BRACKET) due.push(c === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
    else if ((c === CLOSE_BRACE || c === CLOSE_BRACKET) && due.pop() !== c) return undefined;

    const isToken = wide && startsToken(c, text[i - 1] ?? 0);
    if (c === QUOTE || (c === APOSTROPHE && isToken)) i = endOfQuoted(text, i, limit);
    else if (c === SLASH && isToken && (text[i + 1] === SLASH || text[i + 1] === STAR))
      i = endOfComment(text, i, limit);
    // No JSON of any kind has a backslash outside strings, so what it stands before opens none.
    else i += c === BACKSLASH ? 2 : 1;
  }
  return undefined;
}

/**
 * The offset of the comma or brace behind a broken value. What single quotes and slashes mean in it nobody knows, so it
 * is read both ways: undefined where the two do not end at one place.
 */
function endOfBroken(text: Uint16Array, start: number, length: number): number | undefined {
  const narrow = delimiterOf(text, start, length, false);
  if (narrow === undefined || delimiterOf(text, start, narrow + 1, true) !== narrow) return undefined;
  return narrow;
}

/**
 * Scans an object in which values of the member `broken` may be anything. undefined for a text whose fault lies
 * elsewhere, also for one that is JSON and for one that ends right behind a whole value.
 */
export function scanBroken(text: string, broken: string): BrokenScan | undefined {
  const units = load(text);
  const members: Member[] = [];
  /** The first broken member and its index, from which on all is its value where the object does not go on as it should. */
  let first: { readonly index: number; readonly member: Member } | undefined;
  const cut = (): BrokenScan | undefined =>
    first && { members: [...members.slice(0, first.index), first.member], closed: false };

  let i = skipSpace(units, 0);
  if (units[i] !== OPEN_BRACE) return undefined;
  for (;;) {
    const keyStart = skipSpace(units, i + 1);
    const keyEnd = units[keyStart] === QUOTE ? skipString(units, keyStart) : -1;
    const valueStart = keyEnd < 0 ? -1 : skipColon(units, keyEnd);
    if (valueStart < 0) return cut();
    const key = decodeString(text.slice(keyStart, keyEnd));
    let start = valueStart;
    if (key === broken) while (units[start] === BYTE_ORDER_MARK) start++;

    let end = skipValue(units, start);
    i = end < 0 ? -1 : skipSpace(units, end);
    if (i === text.length) return cut();
    const isWhole = i >= 0 && isDelimiter(units[i]);
    if (!isWhole && key !== broken) return cut();
    if (!isWhole || start > valueStart) {
      first ??= { index: members.length, member: { key, start, end: text.length } };
    }
    if (!isWhole) {
      const delimiter = endOfBroken(units, start, text.length);
      if (delimiter === undefined) return cut();
      i = end = delimiter;
      while (end > start && isSpace(units[end - 1])) end--;
    }
    members.push({ key, start, end });
    if (units[i] === CLOSE_BRACE) {
      return first && skipSpace(units, i + 1) === text.length ? { members, closed: true } : cut();
    }
  }
}
