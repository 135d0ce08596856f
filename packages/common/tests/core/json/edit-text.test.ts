import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { editJson, splitPointer, type JsonEdit } from '../../../src/core/json/edit-text';
import { isObject, pointerTo, valueAt } from '../../../src/core/json/value';

const names = fc.constantFrom('a', 'b', 'c', '', '/', '~', '"', 'long name');
const { value: documents } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(1, null, 'text', '{"', true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** Every pointer of a document, and beside each object one to a member that it lacks. */
function pointersOf(value: unknown, pointer = ''): string[] {
  const inner = isObject(value) ? Object.keys(value) : Array.isArray(value) ? [...value.keys()] : [];
  return [
    pointer,
    ...(isObject(value) ? [pointerTo(pointer, 'new')] : []),
    ...inner.flatMap((name) => pointersOf(valueAt(value, pointerTo('', name)), pointerTo(pointer, name))),
  ];
}

/** The model: one edit of the parsed document. */
function edited(document: unknown, edit: JsonEdit): unknown {
  if (edit.pointer === '') return edit.kind === 'put' ? edit.value : document;
  const { parent, name } = splitPointer(edit.pointer);
  const copy: unknown = structuredClone(document);
  const holder = valueAt(copy, parent);
  if (Array.isArray(holder)) {
    if (valueAt(copy, edit.pointer) === undefined) return copy;
    if (edit.kind === 'put') holder[Number(name)] = edit.value;
    if (edit.kind === 'remove') holder.splice(Number(name), 1);
    return copy;
  }
  if (!isObject(holder)) return copy;
  const members = holder as Record<string, unknown>;
  if (edit.kind === 'put') members[name] = edit.value;
  else if (Object.hasOwn(members, name)) {
    const value = members[name];
    Reflect.deleteProperty(members, name);
    if (edit.kind === 'rename') members[edit.name] = value;
  }
  return copy;
}

const cases = documents.chain((document) =>
  fc.record({
    document: fc.constant(document),
    indent: fc.constantFrom(0, 2, '\t'),
    edit: fc
      .tuple(
        fc.constantFrom(...pointersOf(document)),
        fc.constantFrom('put', 'remove', 'rename'),
        documents,
        fc.boolean(),
      )
      .map(([pointer, kind, value, first]): JsonEdit =>
        kind === 'put'
          ? { kind, pointer, value, first }
          : kind === 'remove'
            ? { kind, pointer }
            : { kind: 'rename', pointer, name: 'renamed' },
      ),
  }),
);

describe('editJson', () => {
  it('says of every edit what the edited document says', () => {
    fc.assert(
      fc.property(cases, ({ document, indent, edit }) => {
        const text = JSON.stringify(document, null, indent);
        expect(JSON.parse(editJson(text, [edit]))).toEqual(edited(document, edit));
      }),
      { numRuns: 500 },
    );
  });

  it('makes edits of different places at once as one after the other', () => {
    const members = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer(), { noNullPrototype: true });
    const change = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      kind: fc.constantFrom('put', 'remove'),
      first: fc.boolean(),
    });
    fc.assert(
      fc.property(members, fc.uniqueArray(change, { selector: ({ name }) => name }), (inner, changes) => {
        const document = { before: 1, inner, after: [inner] };
        const edits = changes.flatMap(({ name, kind, first }) =>
          ['/inner', '/after/0'].map((holder): JsonEdit =>
            kind === 'put'
              ? { kind: 'put', pointer: pointerTo(holder, name), value: [name], first }
              : { kind: 'remove', pointer: pointerTo(holder, name) },
          ),
        );
        for (const indent of [0, 2]) {
          expect(JSON.parse(editJson(JSON.stringify(document, null, indent), edits))).toEqual(
            edits.reduce<unknown>(edited, document),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps all that it does not change: lines, order, spaces and the digits of numbers', () => {
    const text = '{\n    "a": 1.0,   "b": 12345678901234567890,\n    "c": { "d":[1,2] }\n}\n';
    expect(
      editJson(text, [
        { kind: 'put', pointer: '/top', value: 'x', first: true },
        { kind: 'remove', pointer: '/a' },
        { kind: 'put', pointer: '/c/e', value: ['y'] },
        { kind: 'rename', pointer: '/c/d', name: 'f' },
      ]),
    ).toBe('{\n    "top": "x",\n    "b": 12345678901234567890,\n    "c": { "f":[1,2], "e": [ "y" ] }\n}\n');
  });

  it('leaves out edits inside of what another one removes or replaces', () => {
    const text = '{"a": {"b": {"c": 1}}, "d": 2}';
    const inner: JsonEdit = { kind: 'put', pointer: '/a/b/c', value: 2 };
    expect(editJson(text, [{ kind: 'remove', pointer: '/a' }, inner])).toBe('{"d": 2}');
    expect(editJson(text, [inner, { kind: 'put', pointer: '/a/b', value: 0 }])).toBe('{"a": {"b": 0}, "d": 2}');
  });

  it('takes nothing that is not JSON', () => {
    expect(() => editJson('{', [])).toThrow(TypeError);
  });
});
