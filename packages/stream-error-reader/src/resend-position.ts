/** How far the records of one entry have been gone through, so that a further request goes on from there. */

/** The place of a record in its error object, each number from 0. */
export interface Place {
  /** Which of the failures that the object lists. */
  readonly item: number;
  /** Which of the data files that the failure names. */
  readonly file: number;
  readonly row: number;
}

/** Where to go on. */
export interface Position extends Place {
  /** Records before it, and how many of these were refused: all others are in the stream. */
  readonly seen: number;
  readonly refused: number;
}

export const START: Position = { item: 0, file: 0, row: 0, seen: 0, refused: 0 };

const POSITION = /^(\d{1,12})\.(\d{1,12})\.(\d{1,12})-(\d{1,12})\.(\d{1,12})$/;

/** The position as a request and the index have it: `120.0.0-120.3`. */
export function positionText({ item, file, row, seen, refused }: Position): string {
  return `${item}.${file}.${row}-${seen}.${refused}`;
}

/** Reads a position; undefined for any other text. */
export function readPosition(text: unknown): Position | undefined {
  const found = typeof text === 'string' ? POSITION.exec(text) : null;
  if (found === null) return undefined;
  const [item = 0, file = 0, row = 0, seen = 0, refused = 0] = found.slice(1).map(Number);
  return { item, file, row, seen, refused };
}

/** A record that was come to, with its number among those of its walk. */
export interface Step extends Place {
  readonly at: number;
}

/** One way through the records, in the order of the object, from a position on. */
export class Walk {
  readonly from: Position;
  readonly #refused: number[] = [];
  #seen: number;
  #first: Step | undefined;

  constructor(from: Position) {
    this.from = from;
    this.#seen = from.seen;
  }

  step(place: Place): Step {
    const step = { ...place, at: this.#seen };
    this.#seen += 1;
    return step;
  }

  refused({ at }: Step): void {
    this.#refused.push(at);
  }

  left(step: Step): void {
    if (this.#first === undefined || step.at < this.#first.at) this.#first = step;
  }

  /** The first record that is left; undefined when none is. What comes after it may have been sent, and is sent again. */
  next(): Position | undefined {
    if (this.#first === undefined) return undefined;
    const { item, file, row, at } = this.#first;
    return { item, file, row, seen: at, refused: this.from.refused + this.#refused.filter((one) => one < at).length };
  }
}
