import { readJsonSource, type JsonSource, type JsonSpan } from './source-map';
import { pointerTo } from './value';

/** One change of a JSON document, by the JSON pointer to what it changes. */
export type JsonEdit =
  /** Replaces the value, or adds the member to the object around it: in front of the others, or behind them. */
  | { readonly kind: 'put'; readonly pointer: string; readonly value: unknown; readonly first?: boolean }
  | { readonly kind: 'remove'; readonly pointer: string }
  | { readonly kind: 'rename'; readonly pointer: string; readonly name: string };

/** A part of the text and what comes in its place. */
interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Characters of a value that is written on one line. */
const ONE_LINE = 100;

/**
 * The text with all edits made at once, and every other character of it as it was: numbers keep their digits, and members
 * their lines. Edits inside a value that another edit replaces or removes are left out, and of two edits of one pointer the
 * last one counts. An edit of what is not there, or of a member of what is no object, changes nothing.
 *
 * @param text JSON in which no object has a member twice
 * @throws TypeError for a text that is not JSON
 */
export function editJson(text: string, edits: readonly JsonEdit[]): string {
  const source = readJsonSource(text);
  if (!source.ok) throw new TypeError('editJson wants JSON');
  const latest = new Map(edits.map((edit) => [edit.pointer, edit]));
  const gone = (pointer: string): boolean => {
    const edit = latest.get(pointer);
    return edit !== undefined && edit.kind !== 'rename' && source.span(pointer) !== undefined;
  };
  const holders = new Map<string, JsonEdit[]>();
  for (const edit of latest.values()) {
    if (parentsOf(edit.pointer).some(gone)) continue;
    const holder = splitPointer(edit.pointer).parent;
    holders.set(holder, [...(holders.get(holder) ?? []), edit]);
  }
  const splices = [...holders].flatMap(([holder, own]) => splicesOf(text, source, holder, own));
  return splices
    .sort((a, b) => b.from - a.from)
    .reduce((whole, { from, to, text: put }) => whole.slice(0, from) + put + whole.slice(to), text);
}

/** A pointer to a member, parted into that to its holder and the name; for the document, two empty texts. */
export function splitPointer(pointer: string): { parent: string; name: string } {
  const at = pointer.lastIndexOf('/');
  if (at < 0) return { parent: '', name: '' };
  return {
    parent: pointer.slice(0, at),
    name: pointer
      .slice(at + 1)
      .replaceAll('~1', '/')
      .replaceAll('~0', '~'),
  };
}

/** The pointers to everything around the place of a pointer, from the document on. */
function parentsOf(pointer: string): string[] {
  const segments = pointer.split('/').slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}

/** The splices for the edits of one holder's members, or of the document itself. */
function splicesOf(text: string, source: JsonSource, holder: string, edits: readonly JsonEdit[]): Splice[] {
  const around = source.span(holder);
  if (around === undefined) return [];
  const splices: Splice[] = [];
  const removed = new Set<string>();
  const added: { name: string; value: unknown; first: boolean }[] = [];
  for (const edit of edits) {
    const span = source.span(edit.pointer);
    const { name } = splitPointer(edit.pointer);
    if (span === undefined) {
      if (edit.kind === 'put' && text[around.start] === '{')
        added.push({ name, value: edit.value, first: edit.first === true });
    } else if (edit.kind === 'put') {
      splices.push({ from: span.start, to: span.end, text: written(edit.value, indentAt(text, span.start)) });
    } else if (edit.kind === 'remove') {
      if (edit.pointer !== '') removed.add(name);
    } else if (span.nameStart >= 0) {
      const nameEnd = text.slice(0, span.start).lastIndexOf('"') + 1;
      splices.push({ from: span.nameStart, to: nameEnd, text: JSON.stringify(edit.name) });
    }
  }
  const members = around.names.flatMap((name) => {
    const span = source.span(pointerTo(holder, name));
    return span === undefined ? [] : [{ name, from: span.nameStart < 0 ? span.start : span.nameStart, to: span.end }];
  });
  const kept = members.filter(({ name }) => !removed.has(name));
  const [firstKept] = kept;
  const lastKept = kept.at(-1);
  if (firstKept === undefined || lastKept === undefined) {
    if (removed.size === 0 && added.length === 0) return splices;
    return [...splices, refill(text, around, added)];
  }
  const top = members[0]?.from ?? firstKept.from;
  const gap = gapBefore(text, top, around.start);
  const indent = indentAt(text, top);
  const shown = ({ name, value }: { name: string; value: unknown }) =>
    `${JSON.stringify(name)}: ${written(value, indent)}`;
  const front = added.filter(({ first }) => first);
  const back = added.filter(({ first }) => !first);
  splices.push(...removals(members, removed));
  if (front.length > 0)
    splices.push({
      from: firstKept.from,
      to: firstKept.from,
      text: front.map((one) => `${shown(one)},${gap}`).join(''),
    });
  if (back.length > 0)
    splices.push({ from: lastKept.to, to: lastKept.to, text: back.map((one) => `,${gap}${shown(one)}`).join('') });
  return splices;
}

/** Takes runs of members out, each with the comma that parted it from a member that stays. */
function removals(
  members: readonly { name: string; from: number; to: number }[],
  removed: ReadonlySet<string>,
): Splice[] {
  const splices: Splice[] = [];
  for (let i = 0; i < members.length;) {
    if (!removed.has(members[i]?.name ?? '')) {
      i += 1;
      continue;
    }
    let end = i;
    while (end < members.length && removed.has(members[end]?.name ?? '')) end += 1;
    const before = members[i - 1];
    const from = before === undefined ? members[i]?.from : before.to;
    const to = before === undefined ? members[end]?.from : members[end - 1]?.to;
    splices.push({ from: from ?? 0, to: to ?? 0, text: '' });
    i = end;
  }
  return splices;
}

/** The whole container anew, where none of its members stays. */
function refill(text: string, around: JsonSpan, added: readonly { name: string; value: unknown }[]): Splice {
  const [open, close] = text[around.start] === '{' ? ['{', '}'] : ['[', ']'];
  if (added.length === 0) return { from: around.start, to: around.end, text: open + close };
  const outer = indentAt(text, around.start);
  const inner = `${outer}  `;
  const lines = added.map(({ name, value }) => `${inner}${JSON.stringify(name)}: ${written(value, inner)}`);
  return { from: around.start, to: around.end, text: `${open}\n${lines.join(',\n')}\n${outer}${close}` };
}

/** The white space between what opens the container, or a comma, and a member: a line feed and its indent, or a space. */
function gapBefore(text: string, member: number, container: number): string {
  const gap = /\s*$/.exec(text.slice(container + 1, member))?.[0] ?? '';
  return gap.includes('\n') ? gap.slice(gap.lastIndexOf('\n')) : ' ';
}

/** The white space with which the line of an offset begins. */
function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** A value as text: on one line where it is short. */
function written(value: unknown, indent: string): string {
  const lines = JSON.stringify(value, null, 2);
  const line = lines.replaceAll(/\n\s*/g, ' ');
  return line.length <= ONE_LINE ? line : lines.replaceAll('\n', `\n${indent}`);
}
