/**
 * Finds the texts on which a parser is slowest, and measures how its time grows with them. The twin for Python,
 * tests/glue/support/slow_texts.py, says why it looks for what it does.
 */
import fc from 'fast-check';

export type Parser = (text: string) => unknown;

/** Texts of any length: a beginning, a part that is repeated, as many closing parts behind it, and an end. */
export interface Shape {
  readonly beginning: string;
  /** `#` in it is a number of its own in each round. */
  readonly part: string;
  readonly closing: string;
  readonly end: string;
}

export interface Pieces {
  /** Valid texts, each of whose beginnings is one. */
  readonly samples: readonly string[];
  /** A part consists of one or two of them, an end of one or none. */
  readonly tokens: readonly string[];
  readonly closings: readonly string[];
}

export const MEGABYTE = 1_048_576;
/** The length at which all candidates are timed. */
const SHORT = 400;
const FACTOR = 4;
/** Four times the text may take twelve times the time: linear growth is 4, the square 16, caches make up to 10 of 4. */
const MOST_GROWTH = 12;
/** Milliseconds of CPU time that count as none. */
const TINY_MS = 20;

export function textOf({ beginning, part, closing, end }: Shape, length: number): string {
  const rounds = Math.max(1, Math.floor(length / (part.length + closing.length)));
  const repeated = part.includes('#')
    ? Array.from({ length: rounds }, (_, round) => part.replaceAll('#', String(round))).join('')
    : part.repeat(rounds);
  return `${beginning}${repeated}${closing.repeat(rounds)}${end}`;
}

/** Draws so many shapes that can be put together of the pieces, by the seed of the run. */
export function drawShapes({ samples, tokens, closings }: Pieces, count: number): Shape[] {
  const beginnings = samples.flatMap((sample) =>
    Array.from({ length: sample.length + 1 }, (_, n) => sample.slice(0, n)),
  );
  const part = fc.oneof(
    fc.constantFrom(...tokens),
    fc.tuple(fc.constantFrom(...tokens), fc.constantFrom(...tokens)).map((two) => two.join('')),
  );
  const shape = fc.record({
    beginning: fc.constantFrom(...beginnings),
    part,
    closing: fc.constantFrom(...closings),
    end: fc.constantFrom('', ...tokens),
  });
  return fc.sample(shape, count);
}

/** The least of so many measurements, in milliseconds; one that is long says enough by itself. */
function least(times: number, measure: () => number): number {
  let found = measure();
  for (let n = 1; n < times && found < 50; n++) found = Math.min(found, measure());
  return found;
}

function timed(parser: Parser, text: string): number {
  const started = performance.now();
  parser(text);
  return performance.now() - started;
}

function cpuTimed(parser: Parser, text: string): number {
  const before = process.cpuUsage();
  parser(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The candidates that take most time while they are short, and those whose time grows most. */
function slowest(parser: Parser, candidates: readonly Shape[], count: number): Shape[] {
  const seeming = candidates
    .map((shape) => ({ shape, ms: timed(parser, textOf(shape, SHORT)) }))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, 20 * count);
  const known = seeming.map(({ shape }) => {
    const short = least(5, () => timed(parser, textOf(shape, SHORT)));
    const long = least(5, () => timed(parser, textOf(shape, FACTOR * SHORT)));
    return { shape, short, growth: long / short };
  });
  const best = (by: 'short' | 'growth') => [...known].sort((a, b) => b[by] - a[by]).slice(0, count);
  return [...new Set([...best('short'), ...best('growth')].map(({ shape }) => shape))];
}

/**
 * Throws where the time grows faster than the text, on the way to `most` characters. A leap has to come back when both
 * lengths are measured again, because the CPU time of the process is also that of its garbage collector and compiler.
 */
export function checkGrowth(parser: Parser, shape: Shape, most: number): void {
  const measure = (length: number, times: number): number => {
    const text = textOf(shape, length);
    return Math.max(
      least(times, () => cpuTimed(parser, text)),
      TINY_MS,
    );
  };
  const first = most / FACTOR ** 4;
  let before = TINY_MS;
  for (let length = first; length <= most; length *= FACTOR) {
    let ms = measure(length, 3);
    for (let n = 0; n < 2 && ms > MOST_GROWTH * before; n++) {
      if (length > first) before = Math.max(before, measure(length / FACTOR, 3));
      ms = Math.min(ms, measure(length, 3));
    }
    if (ms > MOST_GROWTH * before) {
      const growth = `${FACTOR} times the text takes ${(ms / before).toFixed()} times the time`;
      throw new Error(`${growth}, ${ms.toFixed()} ms at ${length} characters: ${JSON.stringify(shape)}`);
    }
    before = ms;
  }
}

/** Throws where the time for the worst of the candidates grows faster than their length. */
export function checkLinear(parser: Parser, candidates: readonly Shape[], count: number, most = MEGABYTE): void {
  for (const shape of slowest(parser, candidates, count)) checkGrowth(parser, shape, most);
}
