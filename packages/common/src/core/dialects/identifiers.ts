import { copied, rename, type Translating, type Writing } from './copy';
import { anchorOfId, idWord, isReferenceAlone, splitFragment } from './resources';
import { pointerTo } from '../json/value';

/**
 * Writes what identifies a schema: draft-04's `id` becomes `$id`, and an identifier that is but a fragment, `#name`, an
 * `$anchor`, as they are separate words since 2019-09. What says nothing in the author's draft says nothing in the copy.
 */
export function identifier(context: Translating, word: 'id' | '$id', writing: Writing): void {
  const { node, old, members, resource } = writing;
  const { draft } = resource;
  const value = node[word];
  const isRoot = old === '';
  const keep = (): void => void members.set(word, copied(context, value, pointerTo(old, word)));
  const drop = (): void => void (context.changed = true);
  if (typeof value !== 'string' || draft === 2019 || draft === 2020) {
    keep();
    return;
  }
  if (word !== idWord(draft) && !(draft === 'latest' && value.startsWith('#'))) {
    // In the copy `$id` identifies: one that draft-04 does not know may stay only where nothing depends on it.
    if (word === 'id' || (isRoot && node['id'] === undefined)) keep();
    else drop();
    return;
  }
  if (isReferenceAlone(node, draft) && resource.pointer !== old) {
    drop();
    return;
  }
  const { address } = splitFragment(value);
  const anchor = anchorOfId(value);
  if (word === '$id' && address === value) {
    keep();
    return;
  }
  drop();
  if (address !== '') rename(writing, '$id', word, address);
  if (anchor !== undefined && node['$anchor'] === undefined) rename(writing, '$anchor', word, anchor);
}
