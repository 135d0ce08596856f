import { isObject, readJsonSource, valueAt } from '@lean-ops/common/core';

/** A part of a text to be replaced: the offsets count UTF-16 units. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Names of members, and the JSON texts of their values. */
export type NewMembers = readonly (readonly [name: string, value: string])[];

/** Makes edits of one text. What they do not touch stays as it is, also the digits of numbers. */
export interface JsonEditor {
  /** Gives the string at a JSON pointer another value. */
  readonly setString: (pointer: string, value: string) => Edit;
  /** Adds members in front of those of the object at a JSON pointer. */
  readonly prepend: (pointer: string, members: NewMembers) => Edit;
  /** Adds a member behind the last one of the text's object, which must have one. */
  readonly append: (name: string, value: string) => Edit;
}

/**
 * @param text a JSON object
 * @throws TypeError for a text that is no JSON; its functions do where nothing of the kind stands at the pointer
 */
export function jsonEditor(text: string): JsonEditor {
  const source = readJsonSource(text);
  if (!source.ok) throw new TypeError('the text is no JSON');
  const document: unknown = JSON.parse(text);
  return {
    setString: (pointer, value) => {
      const string = /"(?:[^"\\]|\\.)*"/y;
      string.lastIndex = source.locate(pointer).offset;
      const found = string.exec(text);
      if (found === null) throw new TypeError(`no string at ${pointer}`);
      return { start: found.index, end: found.index + found[0].length, text: JSON.stringify(value) };
    },
    prepend: (pointer, members) => {
      const object = valueAt(document, pointer);
      if (!isObject(object)) throw new TypeError(`no object at ${pointer}`);
      const start = source.locate(pointer).offset + 1;
      return { start, end: start, text: ` ${written(members)}${Object.keys(object).length > 0 ? ',' : ' '}` };
    },
    append: (name, value) => {
      const start = text.slice(0, text.lastIndexOf('}')).trimEnd().length;
      return { start, end: start, text: `, ${written([[name, value]])}` };
    },
  };
}

/** A text with edits, of which no two overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text: put } of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(text.slice(at, start), put);
    at = end;
  }
  return [...parts, text.slice(at)].join('');
}

/** The text of members, without the braces. */
export function written(members: NewMembers): string {
  return members.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(', ');
}
