import { readJsonSource, type SchemaProblem } from '@lean-ops/common/core';

/** A position in a file; line and column count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The position of what has no better one. */
export const FILE_START: Position = { line: 1, column: 1 };

export interface LocatedProblem extends Position {
  readonly file: string;
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** A warning is told and refuses nothing; absent for an error. */
  readonly severity?: 'warning';
}

/**
 * A function from JSON pointers to positions in the text. When the text is not JSON, every pointer has the position where
 * it stops being JSON.
 */
export function locator(text: string): (pointer: string) => Position {
  const source = readJsonSource(text);
  return (pointer) => {
    const { line, column } = source.ok ? source.locate(pointer) : source.fault;
    return { line, column };
  };
}

export function locateProblems(
  file: string,
  problems: readonly SchemaProblem[],
  locate: (pointer: string) => Position,
): LocatedProblem[] {
  return problems
    .map(({ code, path, message, hint, severity }) => ({
      file,
      ...locate(path),
      pointer: path,
      code,
      message,
      hint,
      ...(severity && { severity }),
    }))
    .sort(inReadingOrder);
}

export function inReadingOrder(a: Position & { code: string }, b: Position & { code: string }): number {
  return a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);
}
