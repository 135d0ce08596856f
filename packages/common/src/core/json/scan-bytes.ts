/**
 * Reads JSON that comes in chunks of bytes, and reports what it meets. Nothing is kept but the token that a chunk has cut,
 * so memory does not depend on the size of the document. Use it where a document may be too large to parse; scan.ts finds
 * members in a text that is there as a whole.
 *
 * The structure is checked as JSON.parse checks it. The content of texts, numbers and words is left to whoever uses them,
 * since most of a large document is skipped.
 */

/** What the scanner reports. A token is `bytes.subarray(from, to)`, valid only during the call. */
export interface JsonHandler {
  /** An object or an array begins. */
  open(isObject: boolean): void;
  /** The innermost object or array ends. */
  close(): void;
  /** The name of a member. The token has its quotes; `escaped` is true when it has a backslash. */
  name(bytes: Buffer, from: number, to: number, escaped: boolean): void;
  /** A text with its quotes, a number, or one of the words true, false and null. */
  value(bytes: Buffer, from: number, to: number): void;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** What may come next. */
const EXPECT = {
  value: 0,
  /** A value, or the end of an array that is empty so far. */
  firstValue: 1,
  name: 2,
  /** A name, or the end of an object that is empty so far. */
  firstName: 3,
  colon: 4,
  /** A comma, or the end of the innermost object or array. */
  next: 5,
  /** Nothing but white space. */
  nothing: 6,
} as const;
type Expect = (typeof EXPECT)[keyof typeof EXPECT];

const NO_BYTES = Buffer.alloc(0);
const MOST_TOKENS_BYTES = 256;

export class JsonByteScanner {
  readonly #handler: JsonHandler;
  /** The beginning of a token whose end has not come yet. */
  #cut: Buffer = NO_BYTES;
  #expect: Expect = EXPECT.value;
  /** For each object and array that is open whether it is an object, the innermost last. */
  readonly #open: boolean[] = [];
  #escaped = false;

  constructor(handler: JsonHandler) {
    this.#handler = handler;
  }

  /** @throws SyntaxError where the document is no JSON, and what the handler throws */
  write(chunk: Uint8Array): void {
    const bytes = asBuffer(chunk);
    let at = this.#cut.length === 0 ? 0 : this.#endCut(bytes);
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0;
      if (byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB) {
        at += 1;
        continue;
      }
      const next = this.#token(byte, bytes, at);
      if (next < 0) {
        // The chunk may be a buffer that its owner fills again.
        this.#cut = Buffer.from(bytes.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** Reads the token that the last chunk has cut. Gives the position behind it in this chunk. */
  #endCut(chunk: Buffer): number {
    const cut = this.#cut;
    // Few tokens are long. To join the whole chunk would copy the whole document.
    for (let taken = MOST_TOKENS_BYTES; ; taken *= 2) {
      const bytes = Buffer.concat([cut, chunk.subarray(0, taken)]);
      const next = this.#token(bytes[0] ?? 0, bytes, 0);
      this.#cut = next < 0 ? bytes : NO_BYTES;
      if (next >= 0) return next - cut.length;
      if (taken >= chunk.length) return chunk.length;
    }
  }

  /** Ends the document. @throws SyntaxError when it is not complete */
  end(): void {
    // A number has no end of its own.
    this.write(Uint8Array.of(SPACE));
    if (this.#cut.length > 0 || this.#expect !== EXPECT.nothing) throw new SyntaxError('the JSON ends too early');
  }

  /** Reads the token that begins at `at`. Gives the position behind it, or -1 when its end has not come yet. */
  #token(byte: number, bytes: Buffer, at: number): number {
    switch (this.#expect) {
      case EXPECT.next:
        this.#afterValue(byte);
        return at + 1;
      case EXPECT.colon:
        if (byte !== COLON) throw unexpected(byte);
        this.#expect = EXPECT.value;
        return at + 1;
      case EXPECT.firstName:
      case EXPECT.name: {
        if (byte === CLOSE_BRACE && this.#expect === EXPECT.firstName) {
          this.#close();
          return at + 1;
        }
        if (byte !== QUOTE) throw unexpected(byte);
        const end = this.#endOfText(bytes, at);
        if (end < 0) return end;
        this.#handler.name(bytes, at, end, this.#escaped);
        this.#expect = EXPECT.colon;
        return end;
      }
      case EXPECT.firstValue:
      case EXPECT.value:
        return this.#value(byte, bytes, at);
      case EXPECT.nothing:
        throw unexpected(byte);
    }
  }

  #value(byte: number, bytes: Buffer, at: number): number {
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      const isObject = byte === OPEN_BRACE;
      this.#open.push(isObject);
      this.#expect = isObject ? EXPECT.firstName : EXPECT.firstValue;
      this.#handler.open(isObject);
      return at + 1;
    }
    if (byte === CLOSE_BRACKET && this.#expect === EXPECT.firstValue) {
      this.#close();
      return at + 1;
    }
    const end = byte === QUOTE ? this.#endOfText(bytes, at) : endOfWord(byte, bytes, at);
    if (end < 0) return end;
    this.#handler.value(bytes, at, end);
    this.#valueEnded();
    return end;
  }

  #afterValue(byte: number): void {
    const inObject = this.#open.at(-1) === true;
    if (byte === COMMA) this.#expect = inObject ? EXPECT.name : EXPECT.value;
    else if (byte === (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) this.#close();
    else throw unexpected(byte);
  }

  #close(): void {
    this.#open.pop();
    this.#handler.close();
    this.#valueEnded();
  }

  #valueEnded(): void {
    this.#expect = this.#open.length === 0 ? EXPECT.nothing : EXPECT.next;
  }

  /** The position behind the text that begins with the quote at `at`; -1 when its end has not come yet. */
  #endOfText(bytes: Buffer, at: number): number {
    this.#escaped = false;
    for (let index = at + 1; index < bytes.length; index++) {
      const byte = bytes[index];
      if (byte === QUOTE) return index + 1;
      if (byte === BACKSLASH) {
        this.#escaped = true;
        index += 1;
      }
    }
    return -1;
  }
}

/** The position behind a number or a word; -1 when its end has not come yet. */
function endOfWord(first: number, bytes: Buffer, at: number): number {
  const isNumber = first === MINUS || (first >= ZERO && first <= NINE);
  if (!isNumber && first !== LOWER_F && first !== LOWER_N && first !== LOWER_T) throw unexpected(first);
  for (let index = at + 1; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= SPACE) return index;
  }
  return -1;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unexpected(byte: number): SyntaxError {
  return new SyntaxError(`the JSON has an unexpected ${JSON.stringify(String.fromCharCode(byte))}`);
}
