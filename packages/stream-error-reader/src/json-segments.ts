import { scanJson } from '@lean-ops/common/core';

const LINE_FEED = 0x0a;
/** Largest object, in bytes, that is tried as one JSON document over several lines. */
const DOCUMENT_BYTES = 8 * 1024 * 1024;

/** A stretch of an error object's text: a JSON object, a JSON array, or text that is neither. */
export type JsonSegment =
  | { readonly kind: 'object'; readonly text: string }
  | { readonly kind: 'array'; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

/** The end of the object or array that starts at `start`, found by counting brackets outside strings; -1 without an end. */
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

function segmentOf(text: string): JsonSegment {
  const scan = scanJson(text);
  if (scan.kind === 'object') return { kind: 'object', text };
  return { kind: scan.kind === 'other' && text.startsWith('[') ? 'array' : 'other', text };
}

/** The segments of a line: mostly one, but a line may hold several objects without a separator. */
export function* segmentsOfLine(line: string): Generator<JsonSegment> {
  const text = line.trim();
  if (text === '') return;
  const whole = segmentOf(text);
  if (whole.kind !== 'other') {
    yield whole;
    return;
  }
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('{', at);
    const end = open < 0 ? -1 : balancedEnd(text, open);
    // An object without an end takes the rest of its line: trying again from each bracket would be quadratic.
    const stop = end < 0 ? text.length : open;
    const between = text.slice(at, stop).trim();
    if (between !== '') yield segmentOf(between);
    if (end >= 0) yield segmentOf(text.slice(open, end));
    at = end < 0 ? text.length : end;
  }
}

function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, start);
    const stop = end < 0 ? bytes.length : end;
    // Only one line at a time becomes a text, because the whole object as a text would take twice the memory.
    yield bytes.toString('utf8', start, stop);
    start = stop + 1;
  }
}

/** The object's text when it is one JSON document over several lines; undefined when it is JSON lines. */
function wholeDocument(bytes: Buffer): string | undefined {
  if (bytes.length > DOCUMENT_BYTES) return undefined;
  const [first] = linesOf(bytes);
  if (first === undefined || first.length === bytes.length || scanJson(first.trim()).kind !== 'invalid')
    return undefined;
  const text = bytes.toString('utf8').trim();
  return segmentOf(text).kind === 'other' ? undefined : text;
}

/**
 * Cuts an error object into segments, whatever its bytes are: JSON lines, with or without line feeds, or one document over
 * several lines. Only white space is left out.
 */
export function* segmentsOf(object: Buffer): Generator<JsonSegment> {
  const bytes = object.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? object.subarray(3) : object;
  const document = wholeDocument(bytes);
  if (document !== undefined) yield segmentOf(document);
  else for (const line of linesOf(bytes)) yield* segmentsOfLine(line);
}
