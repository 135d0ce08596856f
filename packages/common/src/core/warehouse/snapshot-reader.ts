import { JsonByteScanner, type JsonHandler } from '../json/scan-bytes';
import { TableMetadataError, type Snapshot, type TableSnapshots } from './iceberg-metadata';

/** The members that are read, as they stand in the bytes. All others are skipped. */
const DOCUMENT = names('format-version', 'current-snapshot-id', 'snapshots');
const SNAPSHOT = names('snapshot-id', 'parent-snapshot-id', 'timestamp-ms', 'summary');
const SUMMARY = names('operation', 'added-records', 'added-data-files');

/** The operations of the spec, so that a hundred thousand snapshots share four texts. */
const OPERATIONS = names('append', 'replace', 'overwrite', 'delete');

/** How deep the parts of a table's metadata lie. */
const DEPTH = { document: 1, snapshots: 2, snapshot: 3, summary: 4 } as const;

/** Stands for the name of a member that is skipped. */
const NO_NAME = '';

const QUOTE = 0x22;
const ZERO = 0x30;
const NINE = 0x39;
const MAX_EXACT_DIGITS = 15;

/**
 * Reads the snapshots out of a `metadata.json` that comes in chunks. Of each snapshot the few facts stay that freshness and
 * counts need, about 150 bytes where the file has 700. The order of members does not matter.
 */
export class SnapshotReader {
  readonly #handler = new SnapshotHandler();
  readonly #scanner = new JsonByteScanner(this.#handler);

  /** @throws TableMetadataError where the file is no JSON */
  write(chunk: Uint8Array): void {
    orMetadataError(() => {
      this.#scanner.write(chunk);
    });
  }

  /** Whether all that is looked for has come, so that the rest of the file need not be read. */
  get complete(): boolean {
    return this.#handler.complete;
  }

  /** Ends the file. @throws TableMetadataError when it is no table metadata */
  end(): TableSnapshots {
    if (!this.complete) orMetadataError(() => this.#scanner.end());
    if (!this.#handler.hasFormatVersion) throw new TableMetadataError('no format-version');
    return { currentId: this.#handler.currentId, byId: this.#handler.byId };
  }
}

class SnapshotHandler implements JsonHandler {
  readonly byId = new Map<string, Snapshot>();
  currentId: string | undefined;
  hasFormatVersion = false;
  #hasCurrentId = false;
  #hasSnapshots = false;

  #depth = 0;
  /** The name of the last member at each depth, where it is one of those that are read. */
  #ofDocument = NO_NAME;
  #ofSnapshot = NO_NAME;
  #ofSummary = NO_NAME;
  #inSnapshots = false;
  #inSnapshot = false;
  #inSummary = false;

  #id: string | undefined;
  #parentId: string | undefined;
  #committedAt: number | undefined;
  #operation = 'unknown';
  #addedRecords: number | undefined;
  #addsFiles = false;
  #lastId: string | undefined;

  get complete(): boolean {
    return this.hasFormatVersion && this.#hasCurrentId && this.#hasSnapshots;
  }

  open(isObject: boolean): void {
    this.#depth += 1;
    switch (this.#depth) {
      case DEPTH.document:
        if (!isObject) throw new TableMetadataError('no object');
        break;
      case DEPTH.snapshots:
        this.#inSnapshots = !isObject && this.#ofDocument === 'snapshots';
        break;
      case DEPTH.snapshot:
        this.#inSnapshot = this.#inSnapshots && isObject;
        if (this.#inSnapshot) this.#begin();
        break;
      case DEPTH.summary:
        this.#inSummary = this.#inSnapshot && isObject && this.#ofSnapshot === 'summary';
        break;
    }
  }

  close(): void {
    switch (this.#depth) {
      case DEPTH.snapshots:
        this.#hasSnapshots ||= this.#inSnapshots;
        this.#inSnapshots = false;
        break;
      case DEPTH.snapshot:
        if (this.#inSnapshot) this.#keep();
        this.#inSnapshot = false;
        break;
      case DEPTH.summary:
        this.#inSummary = false;
        break;
    }
    this.#depth -= 1;
  }

  name(bytes: Buffer, from: number, to: number, escaped: boolean): void {
    if (this.#depth === DEPTH.document) this.#ofDocument = nameIn(DOCUMENT, bytes, from, to, escaped);
    else if (this.#depth === DEPTH.snapshot && this.#inSnapshot)
      this.#ofSnapshot = nameIn(SNAPSHOT, bytes, from, to, escaped);
    else if (this.#depth === DEPTH.summary && this.#inSummary)
      this.#ofSummary = nameIn(SUMMARY, bytes, from, to, escaped);
  }

  value(bytes: Buffer, from: number, to: number): void {
    if (this.#depth === DEPTH.document) this.#documentValue(bytes, from, to);
    else if (this.#depth === DEPTH.snapshot && this.#inSnapshot) this.#snapshotValue(bytes, from, to);
    else if (this.#depth === DEPTH.summary && this.#inSummary) this.#summaryValue(bytes, from, to);
  }

  #documentValue(bytes: Buffer, from: number, to: number): void {
    switch (this.#ofDocument) {
      case 'format-version':
        this.hasFormatVersion = numberIn(bytes, from, to) !== undefined;
        break;
      case 'current-snapshot-id':
        this.currentId = idIn(bytes, from, to);
        this.#hasCurrentId = true;
        break;
    }
  }

  #snapshotValue(bytes: Buffer, from: number, to: number): void {
    switch (this.#ofSnapshot) {
      case 'snapshot-id':
        this.#id = idIn(bytes, from, to);
        break;
      case 'parent-snapshot-id': {
        const id = idIn(bytes, from, to);
        // In a list without rollbacks the parent is the snapshot before, and one text serves for both.
        this.#parentId = id === this.#lastId ? this.#lastId : id;
        break;
      }
      case 'timestamp-ms':
        this.#committedAt = numberIn(bytes, from, to);
        break;
    }
  }

  #summaryValue(bytes: Buffer, from: number, to: number): void {
    switch (this.#ofSummary) {
      case 'operation':
        this.#operation = operationIn(bytes, from, to);
        break;
      case 'added-records': {
        const added = countIn(bytes, from, to);
        this.#addedRecords = Number.isFinite(added) ? added : undefined;
        break;
      }
      case 'added-data-files':
        this.#addsFiles = countIn(bytes, from, to) !== 0;
        break;
    }
  }

  #begin(): void {
    this.#id = undefined;
    this.#parentId = undefined;
    this.#committedAt = undefined;
    this.#operation = 'unknown';
    this.#addedRecords = undefined;
    this.#addsFiles = false;
  }

  #keep(): void {
    const id = this.#id;
    if (id === undefined) return;
    this.#lastId = id;
    this.byId.set(id, {
      id,
      parentId: this.#parentId,
      operation: this.#operation,
      committedAt: this.#committedAt,
      // The spec lets a commit omit the number. It counts as one then, so that it is not overlooked.
      addedRecords: this.#addedRecords ?? (this.#addsFiles ? 1 : 0),
    });
  }
}

interface Names {
  readonly texts: readonly string[];
  /** The names with their quotes, in UTF-8. */
  readonly tokens: readonly Uint8Array[];
}

function names(...texts: readonly string[]): Names {
  return { texts, tokens: texts.map((text) => Buffer.from(JSON.stringify(text))) };
}

/** The one among the names that the token is; '' for any other. */
function nameIn({ texts, tokens }: Names, bytes: Buffer, from: number, to: number, escaped: boolean): string {
  if (escaped) {
    const name = textIn(bytes, from, to);
    return texts.includes(name) ? name : NO_NAME;
  }
  for (let index = 0; index < tokens.length; index++) {
    if (isToken(tokens[index], bytes, from, to)) return texts[index] ?? NO_NAME;
  }
  return NO_NAME;
}

function isToken(token: Uint8Array | undefined, bytes: Buffer, from: number, to: number): boolean {
  if (token?.length !== to - from) return false;
  // From the end, since many names begin alike.
  for (let index = token.length - 1; index >= 0; index--) if (token[index] !== bytes[from + index]) return false;
  return true;
}

/** The text of a token with quotes. */
function textIn(bytes: Buffer, from: number, to: number): string {
  return JSON.parse(bytes.toString('utf8', from, to)) as string;
}

function operationIn(bytes: Buffer, from: number, to: number): string {
  if (bytes[from] !== QUOTE) return 'unknown';
  return nameIn(OPERATIONS, bytes, from, to, false) || textIn(bytes, from, to);
}

/** An id in exact digits, as it has 63 bits and a number would round it; undefined for none, which -1 and null say. */
function idIn(bytes: Buffer, from: number, to: number): string | undefined {
  if (bytes[from] === QUOTE) return textIn(bytes, from, to);
  for (let index = from; index < to; index++) if (!isDigit(bytes[index] ?? 0)) return undefined;
  return bytes.toString('latin1', from, to);
}

function numberIn(bytes: Buffer, from: number, to: number): number | undefined {
  if (bytes[from] === QUOTE) return undefined;
  const whole = wholeIn(bytes, from, to);
  if (whole !== undefined) return whole;
  const value: unknown = JSON.parse(bytes.toString('utf8', from, to));
  return typeof value === 'number' ? value : undefined;
}

/** A count in a summary, where all values are texts; NaN for none. */
function countIn(bytes: Buffer, from: number, to: number): number {
  if (bytes[from] !== QUOTE) return numberIn(bytes, from, to) ?? Number.NaN;
  return wholeIn(bytes, from + 1, to - 1) ?? Number(textIn(bytes, from, to));
}

/** The digits as a number; undefined for anything else, and for so many digits that a number would round them. */
function wholeIn(bytes: Buffer, from: number, to: number): number | undefined {
  if (to === from || to - from > MAX_EXACT_DIGITS) return undefined;
  let whole = 0;
  for (let index = from; index < to; index++) {
    const byte = bytes[index] ?? 0;
    if (!isDigit(byte)) return undefined;
    whole = whole * 10 + (byte - ZERO);
  }
  return whole;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** Runs a step of reading; a SyntaxError says that the file is no JSON. */
function orMetadataError(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (error instanceof SyntaxError) throw new TableMetadataError('the text is no JSON', error);
    throw error;
  }
}
