import { isObject, pointerTo, valueAt, type JsonObject } from '../json/value';
import { draftOf, type Draft } from './drafts';
import { subschemas } from './subschemas';

/** A schema with a URI of its own inside a document, or the whole document. */
export interface Resource {
  /** Its absolute URI, without a fragment. */
  readonly uri: string;
  readonly node: JsonObject;
  /** The JSON pointer to it from the document's root. */
  readonly pointer: string;
  /** The draft that it is written in; `latest` where no `$schema` says one. */
  readonly draft: Draft | 'latest';
  /** Pointers from the document's root to the places that a plain name refers to. */
  readonly anchors: Map<string, string>;
}

export interface Place {
  readonly resource: Resource;
  /** The JSON pointer from the document's root. */
  readonly pointer: string;
}

export interface Resources {
  readonly root: Resource;
  readonly byUri: ReadonlyMap<string, Resource>;
  /** The places of the objects at schema positions. */
  readonly places: ReadonlyMap<object, Place>;
}

/** Stands for the address of a document that states none, so that relative URIs can be compared. */
const NO_ADDRESS = 'schema:///';

/** The URI that a reference means; undefined where it is none. */
export function absoluteUri(reference: string, base: string): string | undefined {
  return URL.canParse(reference, base) ? new URL(reference, base).href : undefined;
}

/** Splits a URI at its fragment, which is decoded; undefined without one. */
export function splitFragment(uri: string): { readonly address: string; readonly fragment: string | undefined } {
  const at = uri.indexOf('#');
  if (at < 0) return { address: uri, fragment: undefined };
  const fragment = uri.slice(at + 1);
  try {
    return { address: uri.slice(0, at), fragment: decodeURIComponent(fragment) };
  } catch {
    return { address: uri.slice(0, at), fragment };
  }
}

/** The member that names a schema in a draft. */
export function idWord(draft: Draft | 'latest'): 'id' | '$id' {
  return draft === 4 ? 'id' : '$id';
}

/** Whether only `$ref` counts in a node, as it does up to draft-07. */
export function isReferenceAlone(node: JsonObject, draft: Draft | 'latest'): boolean {
  return draft !== 'latest' && draft <= 7 && typeof node['$ref'] === 'string';
}

/** The plain name that an identifier of up to draft-07 gives to a place: `#name`, or a URI that ends in it. */
export function anchorOfId(id: string): string | undefined {
  const { fragment } = splitFragment(id);
  return fragment === undefined || fragment === '' || fragment.startsWith('/') ? undefined : fragment;
}

/** The draft of a document or of a resource in it, for `latest` where nothing better is known. */
export function statedDraft(node: JsonObject, otherwise: Draft | 'latest'): Draft | 'latest' {
  const stated = node['$schema'];
  const draft = typeof stated === 'string' ? draftOf(stated) : undefined;
  return draft === undefined || draft === 'old' ? otherwise : draft;
}

/** Finds the resources of a document, and the place of each schema in it. Where a URI occurs twice, the first one has it. */
export function readResources(document: JsonObject): Resources {
  const places = new Map<object, Place>();
  const byUri = new Map<string, Resource>();
  const add = (node: JsonObject, pointer: string, base: string, draft: Draft | 'latest'): Resource => {
    const id = node[idWord(draft)];
    const uri = (typeof id === 'string' ? absoluteUri(id, base) : undefined) ?? base;
    const resource = { uri: splitFragment(uri).address, node, pointer, draft, anchors: new Map<string, string>() };
    if (!byUri.has(resource.uri)) byUri.set(resource.uri, resource);
    return resource;
  };
  const root = add(document, '', NO_ADDRESS, statedDraft(document, 'latest'));
  const waiting: { node: JsonObject; place: Place }[] = [{ node: document, place: { resource: root, pointer: '' } }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, place } = next;
    let { resource } = place;
    const { pointer } = place;
    if (pointer !== '' && startsResource(node, resource.draft)) {
      resource = add(node, pointer, resource.uri, statedDraft(node, resource.draft));
    }
    places.set(node, { resource, pointer });
    for (const name of anchorsOf(node, resource.draft)) {
      if (!resource.anchors.has(name)) resource.anchors.set(name, pointer);
    }
    // They are taken from the end, so that the first ones in the file come first.
    for (const { steps, schema } of subschemas(node).reverse()) {
      if (isObject(schema)) waiting.push({ node: schema, place: { resource, pointer: pointerTo(pointer, ...steps) } });
    }
  }
  return { root, byUri, places };
}

/** Whether a schema inside a document has a URI of its own. With a `$schema` beside it, it is one also where a `$ref` is. */
function startsResource(node: JsonObject, around: Draft | 'latest'): boolean {
  const draft = statedDraft(node, around);
  const id = node[idWord(draft)];
  if (typeof id !== 'string' || splitFragment(id).address === '' || !URL.canParse(id, NO_ADDRESS)) return false;
  return !isReferenceAlone(node, draft) || typeof node['$schema'] === 'string';
}

function anchorsOf(node: JsonObject, draft: Draft | 'latest'): string[] {
  const stated = [node['$anchor'], node['$dynamicAnchor']].filter((name) => typeof name === 'string');
  if (draft !== 'latest' && draft > 7) return stated;
  if (isReferenceAlone(node, draft)) return stated;
  const ids = draft === 'latest' ? [node['$id'], node['id']] : [node[idWord(draft)]];
  return [...stated, ...ids.flatMap((id) => (typeof id === 'string' ? (anchorOfId(id) ?? []) : []))];
}

/** What a reference leads to inside a document. */
export type Target =
  | { readonly kind: 'found'; readonly resource: Resource; readonly pointer: string }
  /** The resource is there, and has nothing at the place. */
  | { readonly kind: 'unknown'; readonly resource: Resource; readonly fragment: string }
  /** Nothing in the document has this address. */
  | { readonly kind: 'remote' };

/** Follows a reference from a schema of the resource. A pointer that is found need not lead to a schema. */
export function targetOf(document: JsonObject, resources: Resources, ref: string, from: Resource): Target {
  const resource = ref.startsWith('#') || ref === '' ? from : resourceAt(resources, ref, from.uri);
  if (resource === undefined) return { kind: 'remote' };
  const { fragment = '' } = splitFragment(ref);
  if (fragment === '' || fragment.startsWith('/')) {
    const pointer = `${resource.pointer}${normalPointer(fragment)}`;
    return valueAt(document, pointer) === undefined
      ? { kind: 'unknown', resource, fragment }
      : { kind: 'found', resource, pointer };
  }
  const pointer = resource.anchors.get(fragment);
  return pointer === undefined ? { kind: 'unknown', resource, fragment } : { kind: 'found', resource, pointer };
}

function resourceAt({ byUri }: Resources, ref: string, base: string): Resource | undefined {
  const uri = absoluteUri(ref, base);
  return uri === undefined ? undefined : byUri.get(splitFragment(uri).address);
}

/** A JSON pointer in the one spelling that pointerTo gives it. */
function normalPointer(pointer: string): string {
  return pointerTo('', ...stepsOf(pointer));
}

/** The steps of a JSON pointer. */
export function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
