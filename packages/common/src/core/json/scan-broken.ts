import { decodeString, load, skipColon, skipSpace, skipString, skipValue, type Member } from './scan';

/**
 * Finds the members of an object in a text that is no JSON because of one member's value (`NaN`, single quotes, a comment),
 * or because it was cut off in or behind that value. Everything but that value has to be what RFC 8259 allows. The time is
 * linear in the length of the text.
 */

/** The members of an object of which one value is broken, duplicates included. */
export interface BrokenScan {
  /**
   * The ways to read the text as an object that is whole but for broken values, the one with the longest broken value
   * first. They may be equal; there is none where the end of a broken value cannot be known.
   */
  readonly whole: readonly (readonly Member[])[];
  /** The members before the broken value, and as the last one that value with all that follows it. */
  readonly rest: readonly Member[];
}

/** What signs mean in a broken value, which nobody can know. */
interface Reading {
  /** Whether single quotes hide brackets, as double quotes always do. */
  readonly quotes: boolean;
  /** Whether comments hide brackets. */
  readonly comments: boolean;
  /** Whether a backslash in quotes takes its meaning from the quote behind it. */
  readonly escapes: boolean;
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
function endOfQuoted(text: Uint16Array, start: number, limit: number, escapes: boolean): number {
  const quote = text[start];
  for (let i = start + 1; i < limit; i++) {
    if (escapes && text[i] === BACKSLASH) i++;
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
 */
function delimiterOf(text: Uint16Array, start: number, limit: number, reading: Reading): number | undefined {
  const due: number[] = [];
  let i = start;
  while (i < limit) {
    const c = text[i] ?? 0;
    if (due.length === 0 && isDelimiter(c)) return i;
    if (c === OPEN_BRACE || c === OPEN_BRACKET) due.push(c === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
    else if ((c === CLOSE_BRACE || c === CLOSE_BRACKET) && due.pop() !== c) return undefined;

    const isToken = startsToken(c, text[i - 1] ?? 0);
    const isComment = c === SLASH && (text[i + 1] === SLASH || text[i + 1] === STAR);
    if (c === QUOTE || (reading.quotes && c === APOSTROPHE && isToken))
      i = endOfQuoted(text, i, limit, reading.escapes);
    else if (reading.comments && isComment && isToken) i = endOfComment(text, i, limit);
    // No JSON of any kind has a backslash outside strings, so what it stands before opens none.
    else i += c === BACKSLASH ? 2 : 1;
  }
  return undefined;
}

/** What one reading finds: an object that is whole, and the members up to the broken value with all that follows. */
interface Attempt {
  readonly whole?: { readonly members: readonly Member[]; readonly firstEnd: number };
  readonly rest: readonly Member[];
}

/** Scans an object in one reading. undefined where the fault lies elsewhere, which does not depend on the reading. */
function scanAs(text: string, units: Uint16Array, broken: string, reading: Reading): Attempt | undefined {
  const members: Member[] = [];
  /** The index of the first broken member. */
  let first: number | undefined;
  /** The index of the latest member that may be broken. */
  let latest: number | undefined;
  const restFrom = (index: number | undefined): Attempt | undefined => {
    const member = index === undefined ? undefined : members[index];
    return member && { rest: [...members.slice(0, index), { ...member, end: text.length }] };
  };
  /** Without a broken member a fault is another's, unless the text only ends too early. */
  const stopAt = (offset: number): Attempt | undefined =>
    restFrom(first ?? (offset === text.length ? latest : undefined));

  let i = skipSpace(units, 0);
  if (units[i] !== OPEN_BRACE) return undefined;
  for (;;) {
    const keyStart = skipSpace(units, i + 1);
    const keyEnd = units[keyStart] === QUOTE ? skipString(units, keyStart) : ~keyStart;
    if (keyEnd < 0) return stopAt(~keyEnd);
    const valueStart = skipColon(units, keyEnd);
    if (valueStart < 0) return stopAt(~valueStart);
    const key = decodeString(text.slice(keyStart, keyEnd));
    const mayBreak = key === broken;
    let start = valueStart;
    if (mayBreak) while (units[start] === BYTE_ORDER_MARK) start++;

    let end = skipValue(units, start);
    i = end < 0 ? ~end : skipSpace(units, end);
    const isWhole = end >= 0 && isDelimiter(units[i]);
    if (!isWhole && !mayBreak) return stopAt(i);
    if (mayBreak) latest = members.length;
    if (!isWhole || start > valueStart) first ??= members.length;
    if (!isWhole) {
      // What is JSON up to the text's end was cut off, and no sign in it is in doubt.
      i = end = i === text.length ? i : (delimiterOf(units, start, text.length, reading) ?? text.length);
      while (end > start && isSpace(units[end - 1])) end--;
    }
    members.push({ key, start, end });
    if (i === text.length) return restFrom(first);
    if (units[i] === CLOSE_BRACE) {
      const attempt = restFrom(first);
      const firstEnd = members[first ?? 0]?.end ?? 0;
      const isAll = skipSpace(units, i + 1) === text.length;
      return attempt && isAll ? { ...attempt, whole: { members, firstEnd } } : attempt;
    }
  }
}

/**
 * Scans an object in which values of the member `broken` may be anything. undefined for a text whose fault lies
 * elsewhere, also for one that is JSON.
 *
 * Where a broken value ends depends on what quotes, slashes and backslashes mean in it, so it is read in each way. A backslash
 * means nothing (`"C:\"`) only where no other reading is whole, as it means something in every kind of JSON.
 */
export function scanBroken(text: string, broken: string): BrokenScan | undefined {
  const units = load(text);
  const eitherWay = (sign: string): readonly boolean[] => (text.includes(sign) ? [true, false] : [true]);
  const found: NonNullable<Attempt['whole']>[] = [];
  let rest: readonly Member[] = [];
  for (const escapes of eitherWay('\\')) {
    if (found.length > 0) break;
    for (const quotes of eitherWay("'")) {
      for (const comments of eitherWay('/')) {
        const attempt = scanAs(text, units, broken, { quotes, comments, escapes });
        if (attempt === undefined) return undefined;
        rest = attempt.rest;
        if (attempt.whole) found.push(attempt.whole);
      }
    }
  }
  found.sort((a, b) => b.firstEnd - a.firstEnd);
  return { whole: found.map(({ members }) => members), rest };
}
