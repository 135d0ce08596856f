import { readJsonSource, type SchemaProblem } from '@lean-ops/common/core';

/** Where in a file something is, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface LocatedProblem extends Place {
  readonly file: string;
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Gives the places of pointers in a text; where it is no JSON, the place where it stops being that. */
export function locator(text: string): (pointer: string) => Place {
  const source = readJsonSource(text);
  return (pointer) => {
    const { line, column } = source.ok ? source.locate(pointer) : source.fault;
    return { line, column };
  };
}

export function locateProblems(
  file: string,
  problems: readonly SchemaProblem[],
  place: (pointer: string) => Place,
): LocatedProblem[] {
  return problems
    .map(({ code, path, message, hint }) => ({ file, ...place(path), pointer: path, code, message, hint }))
    .sort(inReadingOrder);
}

export function inReadingOrder(a: Place & { code: string }, b: Place & { code: string }): number {
  return a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);
}

/** The place of what has no better one. */
export const START: Place = { line: 1, column: 1 };
