import { isObject, pointerTo, valueAt, type JsonObject } from '../json/value';
import { nearestWord } from '../json/nearest-word';
import { shown, type SchemaProblem } from '../problem';
import { inPlaceCycles } from './cycles';
import { readResources, splitFragment, stepsOf, targetOf, type Resource } from './resources';
import { isSchema } from './subschemas';

/** Where a reference leads to, or what is wrong with it. */
export type Resolution =
  | {
      readonly ok: true;
      readonly node: JsonObject | boolean;
      /** The JSON pointer to the node, from the document's root. */
      readonly pointer: string;
    }
  | { readonly ok: false; readonly problem: SchemaProblem };

/** Follows a `$ref` that stands in the schema `from`, an object of the document. It throws nothing. */
export type Resolver = (ref: string, from: object) => Resolution;

/**
 * Follows the references of a 2020-12 document that lead to places in it: JSON pointers, anchors, and URIs of the
 * resources that it holds (`$id`). A reference is an error where it leads out of the document, to no schema, or back to
 * itself without a step into a member or an element, as no value could ever be judged by it.
 *
 * @param document of bounded depth, as toCurrentDialect gives it
 * @param origin gives the author's pointer of a schema, for problems; the pointer in the document by default
 */
export function resolver(document: JsonObject, origin?: (node: object) => string | undefined): Resolver {
  const resources = readResources(document);
  let cycles: ((from: object, to: object) => boolean) | undefined;
  const target = (ref: string, from: object) =>
    targetOf(document, resources, ref, resources.places.get(from)?.resource ?? resources.root);
  const nodeAt = (ref: string, from: object): unknown => {
    const found = target(ref, from);
    return found.kind === 'found' ? valueAt(document, found.pointer) : undefined;
  };
  return (ref, from) => {
    const path = pointerTo(origin?.(from) ?? resources.places.get(from)?.pointer ?? '', '$ref');
    const refused = (code: string, message: string, hint: string): Resolution => ({
      ok: false,
      problem: { code, path, message: `${shown(ref)} ${message}`, hint },
    });
    const found = target(ref, from);
    if (found.kind === 'remote') return refused('REMOTE_REF', ...remote(ref));
    if (found.kind === 'unknown') {
      const { address } = splitFragment(ref);
      return refused('REF_UNKNOWN', 'leads to nothing', nearby(document, found, address));
    }
    const node = valueAt(document, found.pointer);
    if (!isSchema(node)) {
      return refused(
        'REF_UNKNOWN',
        'leads to what is no schema',
        'have it lead to an object that is one, under "$defs"',
      );
    }
    cycles ??= inPlaceCycles(document, nodeAt);
    if (isObject(node) && cycles(from, node)) {
      return refused(
        'REF_LOOP',
        'leads back to itself without a step into a member or an element',
        'take one of the references out: nothing could be judged by them',
      );
    }
    return { ok: true, node, pointer: found.pointer };
  };
}

function remote(ref: string): [message: string, hint: string] {
  const { address } = splitFragment(ref);
  return /^[a-z][a-z0-9+.-]*:/i.test(address)
    ? [
        'is not in this file, and is never fetched',
        `download it and run: lean-ops schema vendor FILE --as ${address}. From then on lean-ops puts it into the file that it uploads`,
      ]
    : [
        'is not in this file',
        'upload the file with lean-ops, which puts the files into it that it refers to, or copy it to "$defs"',
      ];
}

/** A hint with the place that a reference into nothing is nearest to. */
function nearby(
  document: JsonObject,
  { resource, fragment }: { readonly resource: Resource; readonly fragment: string },
  address: string,
): string {
  const meant = fragment.startsWith('/')
    ? nearbyPointer(document, resource, fragment)
    : nearestWord(fragment, [...resource.anchors.keys()]);
  return meant === undefined ? 'add it under "$defs", or mend the reference' : `did you mean "${address}#${meant}"?`;
}

function nearbyPointer(document: JsonObject, resource: Resource, fragment: string): string | undefined {
  const steps = stepsOf(fragment);
  let pointer = '';
  for (const step of steps) {
    const holder = valueAt(document, `${resource.pointer}${pointer}`);
    if (typeof holder !== 'object' || holder === null) return undefined;
    if (Object.hasOwn(holder, step)) {
      pointer = pointerTo(pointer, step);
      continue;
    }
    const near = nearestWord(step, Object.keys(holder));
    if (near === undefined) return elsewhere(document, resource, steps.at(-1) ?? '');
    pointer = pointerTo(pointer, near);
  }
  return pointer;
}

/** The definition of the name that a reference ends in, where it looks for it elsewhere. */
function elsewhere(document: JsonObject, resource: Resource, name: string): string | undefined {
  const definitions = valueAt(document, `${resource.pointer}/$defs`);
  return isObject(definitions) && Object.hasOwn(definitions, name) ? pointerTo('', '$defs', name) : undefined;
}

/** A `$ref` that leads out of its document. */
export interface OutsideReference {
  readonly ref: string;
  /** The JSON pointer to the text of the reference. */
  readonly pointer: string;
  /** The URI that it is relative to; `schema:///` in a document that states none. */
  readonly base: string;
}

/**
 * The references of a document of any draft that lead out of it, in its order.
 *
 * @param document of bounded depth
 */
export function outsideReferences(document: JsonObject): OutsideReference[] {
  const resources = readResources(document);
  return [...resources.places].flatMap(([node, { resource, pointer }]) => {
    const ref = (node as JsonObject)['$ref'];
    if (typeof ref !== 'string' || targetOf(document, resources, ref, resource).kind !== 'remote') return [];
    return [{ ref, pointer: pointerTo(pointer, '$ref'), base: resource.uri }];
  });
}
