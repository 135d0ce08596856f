import { isObject, type JsonObject } from '../json/value';
import { subschemas } from './subschemas';

/** Keywords whose schemas judge the value itself, and not a member or an element of it. */
const IN_PLACE = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas']);

/** A schema on the way of the search, with those that it leads to in place. */
interface Visit {
  readonly node: object;
  readonly next: Iterator<object, undefined>;
}

/**
 * Finds the schemas that lead back to themselves without a step into the value: the strongly connected components
 * (Tarjan) of a document's schemas by their references and in-place applicators. No depth overflows the stack.
 *
 * @param follow gives what a `$ref` of a schema leads to; undefined where that is nothing in the document
 * @returns whether one schema leads to the other and back
 */
export function inPlaceCycles(
  document: JsonObject,
  follow: (ref: string, from: object) => unknown,
): (from: object, to: object) => boolean {
  const index = new Map<object, number>();
  const low = new Map<object, number>();
  const component = new Map<object, number>();
  const open: object[] = [];
  let components = 0;

  const enter = (node: object): Visit => {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    open.push(node);
    return { node, next: inPlace(node as JsonObject, follow)[Symbol.iterator]() };
  };
  const leave = (node: object): void => {
    if (low.get(node) !== index.get(node)) return;
    for (let member = open.pop(); member !== undefined; member = open.pop()) {
      component.set(member, components);
      if (member === node) break;
    }
    components += 1;
  };
  const lower = (node: object, to: number | undefined): void => {
    low.set(node, Math.min(low.get(node) ?? 0, to ?? 0));
  };

  for (const start of allSchemas(document)) {
    if (index.has(start)) continue;
    const way = [enter(start)];
    for (let visit = way.at(-1); visit !== undefined; visit = way.at(-1)) {
      const { done, value }: IteratorResult<object, undefined> = visit.next.next();
      if (done === true) {
        way.pop();
        leave(visit.node);
        const before = way.at(-1);
        if (before !== undefined) lower(before.node, low.get(visit.node));
      } else if (!index.has(value)) {
        way.push(enter(value));
      } else if (!component.has(value)) {
        lower(visit.node, index.get(value));
      }
    }
  }
  return (from, to) => component.has(from) && component.get(from) === component.get(to);
}

function inPlace(node: JsonObject, follow: (ref: string, from: object) => unknown): object[] {
  const inner = subschemas(node).flatMap(({ steps: [word], schema }) =>
    isObject(schema) && IN_PLACE.has(word) && (node['if'] !== undefined || (word !== 'then' && word !== 'else'))
      ? [schema]
      : [],
  );
  const ref = node['$ref'];
  const target = typeof ref === 'string' ? follow(ref, node) : undefined;
  return isObject(target) ? [target, ...inner] : inner;
}

function allSchemas(document: JsonObject): object[] {
  const all: JsonObject[] = [document];
  // The list grows while it is read.
  for (const node of all) {
    for (const { schema } of subschemas(node)) if (isObject(schema)) all.push(schema);
  }
  return all;
}
