import { scanJson } from './scan';
import { pointerTo } from './value';

/** A place in a text. Lines and columns count from 1, and a column is a UTF-16 unit, as in editors. */
export interface TextPosition {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** A member that one object has more than once, of which JSON.parse keeps the last without a word. */
export interface DuplicateKey {
  readonly pointer: string;
  readonly key: string;
  /** The places of the name, in the order of the text. */
  readonly positions: readonly TextPosition[];
}

/** The places of a JSON document's values in its text. */
export interface JsonSource {
  /**
   * Gives the place at which a value begins, by the JSON pointer (RFC 6901) to it in the parsed document; for a member
   * that is not there, the place of its nearest parent.
   */
  readonly locate: (pointer: string) => TextPosition;
  /** Gives the places of the value that a JSON pointer names; undefined where there is none. */
  readonly span: (pointer: string) => JsonSpan | undefined;
  readonly duplicates: readonly DuplicateKey[];
  /** Gives the JSON pointer of each number whose text passes a test, beside that text. */
  readonly numbersWhere: (passes: (text: string) => boolean) => readonly JsonNumber[];
}

/** The places of one value and of its name, as offsets in the text. */
export interface JsonSpan {
  /** Where the name of a member begins, at its quote; -1 for the document and for an element of an array. */
  readonly nameStart: number;
  readonly start: number;
  /** Behind the last character of the value. */
  readonly end: number;
  /** The names of an object's members or the indexes of an array's elements, in the order of the text; empty for a scalar. */
  readonly names: readonly string[];
}

export interface JsonNumber {
  readonly pointer: string;
  readonly text: string;
}

export type JsonSourceResult =
  | ({ readonly ok: true } & JsonSource)
  /** `fault` is the place at which the text stops being JSON. */
  | { readonly ok: false; readonly fault: TextPosition };

/** A value in the text, as a node of a tree. */
interface Value {
  readonly parent: Value | undefined;
  /** The name of a member, or the index of an element; empty for the document. */
  readonly name: string;
  readonly nameStart: number;
  readonly start: number;
  end: number;
  /** The members of an object or elements of an array; undefined for a scalar and an empty container. */
  members: Map<string, Value> | undefined;
  /** Set where an earlier member has the same name. */
  repeat: Repeat | undefined;
}

/** A name that an object has more than once, with the places of the name. */
interface Repeat {
  readonly parent: Value;
  readonly key: string;
  readonly starts: number[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Reads a text once and keeps where each value stands. It has a stack of its own and one node for a value, so that
 * nesting of any depth costs memory in proportion to the text; pointers are built only when they are needed.
 */
export function readJsonSource(text: string): JsonSourceResult {
  const lines = lineStarts(text);
  const at = (offset: number) => positionAt(lines, offset);
  const scan = scanJson(text);
  if (scan.kind === 'invalid') return { ok: false, fault: at(scan.offset) };
  const { root, repeats, numbers } = readValues(text);
  return {
    ok: true,
    locate: (pointer) => at(find(root, pointer).value.start),
    span: (pointer) => {
      const { value, whole } = find(root, pointer);
      if (!whole) return undefined;
      const { nameStart, start, end, members } = value;
      return { nameStart, start, end, names: [...(members?.keys() ?? [])] };
    },
    duplicates: repeats.map(({ parent, key, starts }) => ({
      pointer: pointerTo(pointerOf(parent), key),
      key,
      positions: starts.map(at),
    })),
    numbersWhere: (passes) =>
      numbers.flatMap((value) => {
        const found = text.slice(value.start, value.end);
        return passes(found) ? [{ pointer: pointerOf(value), text: found }] : [];
      }),
  };
}

/**
 * Reads the values of a text. As the text is known to be JSON, the first character of a token tells its kind.
 *
 * @throws TypeError for a text without a value
 */
function readValues(text: string): { root: Value; repeats: Repeat[]; numbers: Value[] } {
  const repeats: Repeat[] = [];
  const numbers: Value[] = [];
  let root: Value | undefined;
  /** The innermost open container, and the place of the name that waits for its value. */
  let open: Value | undefined;
  let nameStart = -1;
  let name = '';

  for (let i = 0; i < text.length;) {
    const c = text[i] ?? '';
    if (c === ' ' || c === '\n' || c === '\r' || c === '\t' || c === ',' || c === ':') {
      i += 1;
    } else if (c === '}' || c === ']') {
      i += 1;
      if (open !== undefined) open.end = i;
      open = open?.parent;
    } else if (c === '"' && nameStart < 0 && open !== undefined && text[open.start] === '{') {
      nameStart = i;
      i = stringEnd(text, i);
      name = JSON.parse(text.slice(nameStart, i)) as string;
    } else {
      if (nameStart < 0 && open !== undefined) name = String(open.members?.size ?? 0);
      const value: Value = { parent: open, name, nameStart, start: i, end: i, members: undefined, repeat: undefined };
      root ??= value;
      if (open !== undefined) adopt(open, value, repeats);
      nameStart = -1;
      if (c === '{' || c === '[') {
        open = value;
        i += 1;
      } else {
        i = c === '"' ? stringEnd(text, i) : scalarEnd(text, i);
        value.end = i;
        if (c === '-' || (c >= '0' && c <= '9')) numbers.push(value);
      }
    }
  }
  // Every JSON text holds a value.
  if (root === undefined) throw new TypeError('readValues wants JSON');
  return { root, repeats, numbers };
}

function adopt(parent: Value, value: Value, repeats: Repeat[]): void {
  parent.members ??= new Map();
  const before = parent.members.get(value.name);
  if (before?.repeat !== undefined) {
    value.repeat = before.repeat;
    before.repeat.starts.push(value.nameStart);
  } else if (before !== undefined) {
    value.repeat = { parent, key: value.name, starts: [before.nameStart, value.nameStart] };
    repeats.push(value.repeat);
  }
  parent.members.set(value.name, value);
}

function stringEnd(text: string, start: number): number {
  let i = start + 1;
  for (let c = text.charCodeAt(i); c !== QUOTE; c = text.charCodeAt(i)) i += c === BACKSLASH ? 2 : 1;
  return i + 1;
}

function scalarEnd(text: string, start: number): number {
  let i = start;
  while (i < text.length && !',]} \n\r\t'.includes(text[i] ?? ' ')) i += 1;
  return i;
}

/** The value at a pointer, or with `whole` false its nearest parent. */
function find(root: Value, pointer: string): { value: Value; whole: boolean } {
  let value = root;
  for (const segment of pointer.split('/').slice(1)) {
    const next = value.members?.get(segment.replaceAll('~1', '/').replaceAll('~0', '~'));
    if (next === undefined) return { value, whole: false };
    value = next;
  }
  return { value, whole: true };
}

function pointerOf(value: Value): string {
  const names: string[] = [];
  for (let at = value; at.parent !== undefined; at = at.parent) names.push(at.name);
  return pointerTo('', ...names.reverse());
}

/** Offsets at which lines start. A line ends with LF, CRLF or CR. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c === LINE_FEED || (c === CARRIAGE_RETURN && text.charCodeAt(i + 1) !== LINE_FEED)) starts.push(i + 1);
  }
  return starts;
}

function positionAt(lines: readonly number[], offset: number): TextPosition {
  let low = 0;
  for (let high = lines.length; high - low > 1;) {
    const middle = (low + high) >> 1;
    if ((lines[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return { offset, line: low + 1, column: offset - (lines[low] ?? 0) + 1 };
}
