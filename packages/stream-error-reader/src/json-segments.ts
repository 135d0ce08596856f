import { scanJson } from '@lean-ops/common/core';

/** A piece of an error object: a JSON object's text, or text that is none. */
export type Piece =
  | { readonly kind: 'object'; readonly text: string }
  | { readonly kind: 'array'; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

const LINE_FEED = 0x0a;
/** Up to here an object that is no JSON lines is tried as one document, written over several lines. */
const DOCUMENT_BYTES = 8 * 1024 * 1024;

/** Where the object or array that starts here ends, by counting brackets outside of strings; -1 when it does not. */
function balancedEnd(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
    } else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') {
      depth--;
      if (depth === 0) return i + 1;
    }
  }
  return -1;
}

function pieceOf(text: string): Piece {
  const scan = scanJson(text);
  if (scan.kind === 'object') return { kind: 'object', text };
  return { kind: scan.kind === 'other' && text.startsWith('[') ? 'array' : 'other', text };
}

/** The pieces of a line: mostly one, but several objects may stand in it one behind the other. */
export function* piecesOfLine(line: string): Generator<Piece> {
  const text = line.trim();
  if (text === '') return;
  const whole = pieceOf(text);
  if (whole.kind !== 'other') {
    yield whole;
    return;
  }
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('{', at);
    const end = open < 0 ? -1 : balancedEnd(text, open);
    // What never closes takes the rest of its line with it: looking on from each bracket would be quadratic.
    const stop = end < 0 ? text.length : open;
    const between = text.slice(at, stop).trim();
    if (between !== '') yield pieceOf(between);
    if (end >= 0) yield pieceOf(text.slice(open, end));
    at = end < 0 ? text.length : end;
  }
}

function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, start);
    const stop = end < 0 ? bytes.length : end;
    // One line at a time: the whole as one text would take twice the memory.
    yield bytes.toString('utf8', start, stop);
    start = stop + 1;
  }
}

/** True when the first line is the beginning of a document and not one itself. */
function isOneDocument(bytes: Buffer): string | undefined {
  if (bytes.length > DOCUMENT_BYTES) return undefined;
  const [first] = linesOf(bytes);
  if (first === undefined || first.length === bytes.length || scanJson(first.trim()).kind !== 'invalid')
    return undefined;
  const text = bytes.toString('utf8').trim();
  return pieceOf(text).kind === 'other' ? undefined : text;
}

/**
 * Takes an error object apart, whatever its bytes are: JSON lines, with or without the line feeds, or one document over
 * several lines. Nothing but white space is left out.
 */
export function* piecesOf(object: Buffer): Generator<Piece> {
  const bytes = object.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? object.subarray(3) : object;
  const document = isOneDocument(bytes);
  if (document !== undefined) yield pieceOf(document);
  else for (const line of linesOf(bytes)) yield* piecesOfLine(line);
}
