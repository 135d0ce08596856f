import { isObject, pointerTo, type JsonObject } from '../json/value';
import type { SchemaProblem } from '../problem';
import type { Resource, Resources } from './resources';

/** What is known of a translation while it is under way. */
export interface Translating {
  readonly resources: Resources;
  /** Whether there is but one resource, so that a dynamic reference can lead to one place only. */
  readonly isOne: boolean;
  readonly problems: SchemaProblem[];
  readonly origins: WeakMap<object, Origin>;
  /** The pointers into the copy by those into the author's file, for each schema. */
  readonly moved: Map<string, string>;
  readonly references: Reference[];
  /** How many schemas have joined `$defs` because references lead to them. */
  hoisted: number;
  /** Set where the copy says something in other words. */
  changed: boolean;
}

/** Where an object or array of the copy comes from. */
export interface Origin {
  /** The JSON pointer in the author's file. */
  readonly pointer: string;
  /** The pointers to what the author wrote for members of another name. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** A reference of the copy that may have to lead somewhere else. */
export interface Reference {
  readonly ref: string;
  readonly from: Resource;
  readonly rewrite: (ref: string) => void;
}

/** A schema that is being written, member by member. */
export interface Writing {
  /** The author's schema. */
  readonly node: JsonObject;
  /** The JSON pointer to it in the author's file. */
  readonly old: string;
  /** The JSON pointer to the copy. */
  readonly now: string;
  readonly resource: Resource;
  readonly members: Map<string, unknown>;
  readonly renamed: Map<string, string>;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** Adds a member that the author wrote under another word. */
export function rename({ members, renamed, old }: Writing, word: string, written: string, value: unknown): void {
  members.set(word, value);
  renamed.set(word, pointerTo(old, written));
}

/** An object of the given members, with its origin. A member may have any name, `__proto__` too. */
export function made(
  { origins }: Translating,
  members: Iterable<readonly [string, unknown]>,
  pointer: string,
  renamed: ReadonlyMap<string, string> = NONE,
): Record<string, unknown> {
  const object = Object.fromEntries(members) as Record<string, unknown>;
  origins.set(object, { pointer, renamed });
  return object;
}

/** A copy of a value that holds no schema. */
export function copied(context: Translating, value: unknown, pointer: string): unknown {
  if (Array.isArray(value)) {
    return listed(
      context,
      value.map((item, index) => copied(context, item, pointerTo(pointer, index))),
      pointer,
    );
  }
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => {
    return [name, copied(context, member, pointerTo(pointer, name))] as const;
  });
  return made(context, members, pointer);
}

/** A list with its origin. */
export function listed({ origins }: Translating, items: unknown[], pointer: string): unknown[] {
  origins.set(items, { pointer, renamed: NONE });
  return items;
}

export function warn({ problems }: Translating, code: string, path: string, message: string, hint: string): void {
  problems.push({ code, path, message, hint, severity: 'warning' });
}
