import path from 'node:path';
import { idWord, isObject, splitFragment, statedDraft } from '@lean-ops/common/core';
import type { BundleOptions } from './bundle';

/** Absolute paths of files by the URI that each states as its `$id`. More than one has a URI where they contradict. */
export type FileIds = ReadonlyMap<string, readonly string[]>;

/** Reads the identifiers of the JSON files below the folder of schemas. Copies of what was uploaded count for nothing. */
export async function readIds({ sources, schemas }: BundleOptions): Promise<FileIds> {
  const ids = new Map<string, string[]>();
  const files = (await sources.filesBelow(schemas)).filter((file) => file.endsWith('.json') && !isCopy(file, schemas));
  for (const file of files.sort()) {
    const id = idOf((await sources.read(file)) ?? '');
    if (id !== undefined) ids.set(id, [...(ids.get(id) ?? []), file]);
  }
  return ids;
}

function isCopy(file: string, schemas: string): boolean {
  return /[\\/](?:pending|active|failed|archive)[\\/]/.test(path.relative(schemas, file));
}

/** The absolute URI that a schema states as its own, without a fragment; undefined without one. */
function idOf(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const id = isObject(document) ? document[idWord(statedDraft(document, 'latest'))] : undefined;
    return typeof id === 'string' && URL.canParse(id) ? splitFragment(new URL(id).href).address : undefined;
  } catch {
    return undefined;
  }
}
